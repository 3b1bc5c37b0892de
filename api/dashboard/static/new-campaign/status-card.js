// Whether the service would create the campaign, what it estimates, and the actions.

import { html } from "../ui.js";
import { Estimate, Warnings } from "./estimate.js";
import { MarkedText, sentence } from "./marked-text.js";

/** `wrong` are the fields with errors, `general` the messages that belong to none, `refusal` that of the last request. */
export function StatusCard({ answer, wrong, general, refusal, isBusy, onField, onDismiss }) {
  const { found, problem, isCurrent } = answer;
  const state = !isCurrent ? "Checking …" : found ? "Ready to create" : wrong.length ? `${wrong.length} ${wrong.length === 1 ? "field needs" : "fields need"} attention` : "Not accepted";
  return html`<section class="card status" aria-label="Check">
    <p role="status" class=${`check ${isCurrent ? (found ? "is-ready" : "is-refused") : ""}`}>${state}</p>
    ${isCurrent && problem && wrong.length > 0 && html`<ul class="wrong">${wrong.map((field) => html`<li key=${field.path}><a href=${`#field-${field.path}`} onClick=${(event) => { event.preventDefault(); onField(field); }}>${field.title}</a></li>`)}</ul>`}
    ${isCurrent && general.map((text) => html`<p key=${text} class="field-error"><${MarkedText} text=${sentence(text)} /></p>`)}
    ${found && html`<${Estimate} estimate=${found.estimate} /><${Warnings} warnings=${found.warnings} />`}
    ${refusal && html`<div class="banner failure" role="alert"><p>${sentence(refusal)}</p><button type="button" class="plain" onClick=${onDismiss}>Close</button></div>`}
    <div class="actions">
      <button type="submit" class="button primary" disabled=${isBusy}>Create and start</button>
      <button type="submit" class="button" value="draft" disabled=${isBusy}>Create as draft</button>
      <button type="submit" class="button" value="dry-run" disabled=${isBusy}>Dry run</button>
    </div>
  </section>`;
}
