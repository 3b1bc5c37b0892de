// A modal dialog, open as long as it is mounted; closing it gives the focus back. `isBare` shows no heading.

import { html, useEffect, useRef } from "./ui.js";

export function Modal({ title, kind = "", isBare = false, onClose, children }) {
  const dialog = useRef(null), isMounted = useRef(true);
  useEffect(() => {
    const shown = dialog.current;
    shown.showModal();
    return () => { isMounted.current = false; shown.close(); };
  }, []);
  return html`<dialog ref=${dialog} class=${kind} aria-label=${title} onClose=${() => isMounted.current && onClose()}>
    ${!isBare && html`<h2>${title}</h2>`}
    ${children}
  </dialog>`;
}
