// The pages of the list, with a jump to any of them.

import { html, useEffect, useState } from "../ui.js";
import { PAGE_SIZE } from "./query.js";

export function Pager({ page, total, onPage }) {
  const last = Math.max(1, Math.ceil(total / PAGE_SIZE));
  const [typed, setTyped] = useState(String(page));
  useEffect(() => setTyped(String(page)), [page]);
  if (last === 1) return null;
  const jump = (event) => {
    event.preventDefault();
    const number = Math.min(last, Math.max(1, Math.trunc(Number(typed)) || page));
    setTyped(String(number));
    if (number !== page) onPage(number);
  };
  const first = (page - 1) * PAGE_SIZE + 1;
  return html`<nav class="pager pages" aria-label="Pages">
    <button type="button" class="plain" disabled=${page <= 1} onClick=${() => onPage(page - 1)}>Previous</button>
    <form onSubmit=${jump}><label>Page <input type="number" min="1" max=${last} value=${typed} onInput=${(event) => setTyped(event.target.value)} onBlur=${jump} /></label> of ${last.toLocaleString("en")}</form>
    <button type="button" class="plain" disabled=${page >= last} onClick=${() => onPage(page + 1)}>Next</button>
    <span class="muted">${first.toLocaleString("en")} to ${Math.min(total, first + PAGE_SIZE - 1).toLocaleString("en")} of ${total.toLocaleString("en")}</span>
  </nav>`;
}
