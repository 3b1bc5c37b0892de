// Of which campaign the form is a copy, what differs from it, and which seed the copy has.

import { link } from "../root.js";
import { html } from "../ui.js";
import { differences } from "./values.js";

export function CloneNote({ original, fields, before, entry }) {
  const seed = original.spec.seed;
  const changes = differences(fields, before, entry.values).filter(({ field }) => field.path !== "name");
  const choose = (value) => entry.change("seed", String(value));
  const current = entry.read.valueAt("seed");
  const option = (value, text) => html`<label><input type="radio" name="clone-seed" checked=${current === value} onChange=${() => choose(value)} /> ${text}</label>`;
  return html`<section class="card clone" aria-label="Copy">
    <p>A copy of <a href=${link(`/campaigns/${encodeURIComponent(original.id)}`)}>${original.name}</a>.${" "}
      <span role="radiogroup" aria-label="Seed of the copy">Seed: ${option(seed, `keep ${seed}`)} ${option(seed + 1, `next, ${seed + 1}`)}</span></p>
    ${changes.length === 0
      ? html`<p class="muted">Nothing differs but the name: with one trial at a time and equal rewards, it finds the same.</p>`
      : html`<ul>${changes.map(({ field, before: from, after: to }) => html`<li key=${field.path}>${field.title}: <del>${from}</del> → <ins>${to}</ins></li>`)}</ul>`}
  </section>`;
}
