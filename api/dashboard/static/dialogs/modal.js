// A modal dialog, open as long as it is mounted; closing it gives the focus back.

import { html, useEffect, useRef } from "../ui.js";

export function Modal({ title, kind = "", onClose, children }) {
  const dialog = useRef(null), isMounted = useRef(true);
  useEffect(() => {
    const shown = dialog.current;
    shown.showModal();
    return () => { isMounted.current = false; shown.close(); };
  }, []);
  const onClosed = () => { if (isMounted.current) onClose(); };
  return html`<dialog ref=${dialog} class=${kind} aria-label=${title} onClose=${onClosed}>${children}</dialog>`;
}
