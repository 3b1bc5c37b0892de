// Previous, next, and a jump to a page of a list.

import { html, useEffect, useState } from "./ui.js";

/** `page` counts from 1; `onPage` is called with the page that was chosen. `children` stand after the buttons. */
export function Pager({ page, pages, onPage, children }) {
  const [typed, setTyped] = useState(String(page));
  useEffect(() => setTyped(String(page)), [page]);
  const jump = (event) => {
    event.preventDefault();
    const chosen = Math.max(1, Math.min(pages, Math.trunc(Number(typed)) || page));
    setTyped(String(chosen)); // also where it is the page that is shown
    if (chosen !== page) onPage(chosen);
  };
  if (pages === 1 && page === 1) return null;
  return html`<form class="pager" aria-label="Pages" onSubmit=${jump}>
    <button type="button" class="plain" disabled=${page <= 1} onClick=${() => onPage(page - 1)}>Previous</button>
    <label class="muted">Page <input type="number" min="1" max=${pages} step="1" value=${typed} onInput=${(event) => setTyped(event.currentTarget.value)} onBlur=${jump} /> of ${pages.toLocaleString("en")}</label>
    <button type="button" class="plain" disabled=${page >= pages} onClick=${() => onPage(page + 1)}>Next</button>
    ${children}
  </form>`;
}
