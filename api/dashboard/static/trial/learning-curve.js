// The learning curve of a trial: loss and AP by step of each attempt, beside the baseline's.

import { Figure } from "../figure.js";
import { html } from "../ui.js";

export function LearningCurve({ path, campaign, trial, baseline }) {
  const version = [trial, baseline].map((each) => `${each?.curve.length}.${each?.curve.at(-1)?.step}`).join();
  return html`<section class="card" aria-labelledby="trial-curve">
    <h2 id="trial-curve">Learning curve</h2>
    ${trial.curve.length > 0 ? html`<${Figure} path=${`${path}/trials/${trial.number}/figures/curve`} version=${version} label="Loss and AP by step, of each attempt and of the baseline" />`
      : html`<p class="muted">${trial.state === "running" ? "No step was reported yet." : emptyText(campaign)}</p>`}
  </section>`;
}

const emptyText = ({ shared_training: shared }) => (shared ? "It was scored with its part of the shared weights, without a training of its own."
  : "No step was reported: the trial was too short, or not trained.");
