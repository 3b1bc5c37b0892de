// A group of fields; those of a fold are hidden until it is opened.

import { html } from "../ui.js";
import { Field } from "./field.js";

export function Group({ title, fields, entry, errorsOf }) {
  const shown = fields.filter(entry.read.isShown);
  const folds = [...new Set(shown.map(({ fold }) => fold).filter(Boolean))];
  const grid = (part) => html`<div class="fields">${part.map((field) => html`<${Field} key=${field.path} field=${field} entry=${entry} errors=${errorsOf(field.path)} />`)}</div>`;
  const id = `group-${title.toLowerCase().replaceAll(" ", "-")}`;
  return html`<section class="card group" aria-labelledby=${id}>
    <h2 id=${id}>${title}</h2>
    ${grid(shown.filter(({ fold }) => !fold))}
    ${folds.map((fold) => {
      const part = shown.filter((field) => field.fold === fold);
      return html`<details key=${fold}><summary>${fold}${noteOf(part, entry, errorsOf)}</summary>${grid(part)}</details>`;
    })}
  </section>`;
}

function noteOf(part, entry, errorsOf) {
  const changed = part.filter(entry.read.isChanged).length, wrong = part.filter(({ path }) => errorsOf(path).length).length;
  const notes = [changed && `${changed} changed`, wrong && `${wrong} to correct`].filter(Boolean);
  return notes.length > 0 && html` <span class=${wrong ? "error" : "muted"}>${notes.join(", ")}</span>`;
}
