// The files that were made of a trial.

import { Download } from "../dialogs/format-row.js";
import { dateTime } from "../format.js";
import { useResource } from "../resource.js";
import { html } from "../ui.js";

export function Exports({ path, trial }) {
  const { data, error } = useResource(`${path}/exports?trial=${trial.number}`);
  return html`<section class="card" aria-labelledby="trial-exports">
    <h2 id="trial-exports">Exports</h2>
    ${error && html`<p class="banner" role="alert">${error.message}</p>`}
    ${data?.exports.length === 0 && html`<p class="muted">No file was made of this trial yet; “Export” offers the formats.</p>`}
    ${data?.exports.length > 0 && html`<ul class="trial-exports">${data.exports.map((each) => html`<li key=${each.id}>
      <div><strong>${each.format}</strong> <span class="muted">${each.weights} weights, ${dateTime(each.finished_at ?? each.created_at)}</span>
        ${each.error && html`<p class="error">${each.error}</p>`}</div>
      ${each.state === "completed" ? html`<${Download} address=${`/v1/exports/${each.id}/file`} name=${each.file_name} size=${each.size_bytes} />`
        : html`<span class="muted">${each.progress ?? each.state}</span>`}
    </li>`)}</ul>`}
  </section>`;
}
