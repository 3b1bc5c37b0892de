// The twelve COCO metrics of a trial, against the baseline's.

import { decimal, difference } from "../format.js";
import { html } from "../ui.js";

export function CocoMetrics({ campaign, trial, baseline }) {
  const found = trial.coco_metrics;
  const other = Object.fromEntries((baseline?.coco_metrics ?? []).map(({ name, value }) => [name, value]));
  return html`<section class="card" aria-labelledby="trial-metrics">
    <h2 id="trial-metrics">COCO metrics</h2>
    ${found ? html`<div class="scroll" role="group" tabindex="0" aria-label="COCO metrics"><table class="rows trial-metrics">
      <caption class="visually-hidden">The twelve COCO metrics on the reserved images</caption>
      <thead><tr><th scope="col">Metric</th><th scope="col" class="number">This trial</th>
        ${baseline && html`<th scope="col" class="number">Baseline</th><th scope="col" class="number">Difference</th>`}</tr></thead>
      <tbody>${found.map(({ name, title, about, value }) => html`<tr key=${name}>
        <th scope="row" title=${about}>${title} <span class="muted">${about}</span></th><td class="number">${decimal(value)}</td>
        ${baseline && html`<td class="number">${decimal(other[name])}</td><td class="number">${difference(value, other[name])}</td>`}
      </tr>`)}</tbody>
    </table></div>
    <p class="muted">Of the trained proxy on the reserved images. A dash: they have no object of that size${baseline && !baseline.coco_metrics && ", or the baseline has no such metrics"}.</p>`
    : html`<p class="muted">${whyNone(campaign, trial)}</p>`}
  </section>`;
}

function whyNone({ spec }, trial) {
  if (spec.proxy_task.profile === "synthetic") return "The profile computes the reward and finds no objects, so there is the AP alone.";
  if (trial.state === "running") return "They come with the outcome.";
  if (trial.stopped_early_step !== null) return "Early stopping has measured the AP alone.";
  return trial.reward === null || trial.state === "failed" ? "The trial was not scored." : "The trial has the AP alone.";
}
