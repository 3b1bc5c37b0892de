// A modal dialog, open as long as it is mounted; closing it gives the focus back.

import { html, useEffect, useRef } from "./ui.js";

export function Modal({ title, kind = "", onClose, children }) {
  const dialog = useRef(null);
  useEffect(() => {
    const shown = dialog.current;
    shown.showModal();
    return () => shown.close();
  }, []);
  return html`<dialog ref=${dialog} class=${kind} aria-label=${title} onClose=${onClose}>
    <h2>${title}</h2>
    ${children}
  </dialog>`;
}
