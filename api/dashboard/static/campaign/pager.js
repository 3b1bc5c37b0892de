// Back, next, and a jump to a page of a list.

import { html, useEffect, useState } from "../ui.js";

/** `page` counts from 0; `onPage` is called with the page that was chosen. */
export function Pager({ page, pages, onPage }) {
  const [typed, setTyped] = useState(String(page + 1));
  useEffect(() => setTyped(String(page + 1)), [page]);
  const jump = (event) => {
    event.preventDefault();
    const chosen = Math.max(1, Math.min(pages, Math.round(Number(typed)) || page + 1));
    setTyped(String(chosen)); // also where it is the page that is shown
    if (chosen !== page + 1) onPage(chosen - 1);
  };
  if (pages === 1 && page === 0) return null;
  return html`<form class="pager" onSubmit=${jump}>
    <button type="button" class="plain" disabled=${page === 0} onClick=${() => onPage(page - 1)}>Back</button>
    <label class="muted">Page <input type="number" min="1" max=${pages} step="1" value=${typed} onInput=${(event) => setTyped(event.currentTarget.value)} onBlur=${jump} /> of ${pages.toLocaleString("en")}</label>
    <button type="button" class="plain" disabled=${page >= pages - 1} onClick=${() => onPage(page + 1)}>Next</button>
  </form>`;
}
