// What trains now: trials or finals with their progress, and how many wait for a worker.

import { decimal } from "../format.js";
import { html } from "../ui.js";
import { Spark } from "./spark.js";

const SHOWN = 8;

/** `trials` are documents of running trials; `counts` has the numbers of all of them. */
export function RunningTrials({ trials, counts, onTrial }) {
  const begun = trials.filter(({ reused_from: repeated, worker_started_at: at }) => repeated === null && at !== null).slice(0, SHOWN);
  const { running, queued } = counts;
  if (!running && !queued) return null;
  return html`<section class="card running" aria-label="Trials in training">
    ${begun.map((trial) => html`<div key=${trial.number}>
      <button type="button" class="as-link" onClick=${() => onTrial(trial.number)}>Trial ${trial.number}</button><${Spark} values=${trial.widths} />
      <${TrainingProgress} training=${trial} name=${`trial ${trial.number}`} />
      <span class="muted">${stepText(trial)}</span>
    </div>`)}
    ${running + queued > begun.length && html`<p class="muted">${running} running, ${queued} queued</p>`}
  </section>`;
}

/** `runs` are the trainings of the finals. */
export function RunningFinals({ runs }) {
  const running = runs.filter(({ state }) => state === "running").slice(0, SHOWN);
  if (!running.length) return null;
  return html`<section class="card running" aria-label="Finals in training">
    ${running.map((run) => html`<div class="of-finals" key=${`${run.trial} ${run.seed}`}>
      <span>Final of trial ${run.trial}, seed ${run.seed}</span>
      <${TrainingProgress} training=${run} name=${`the final of trial ${run.trial} with seed ${run.seed}`} />
      <span class="muted">${stepText(run)}</span>
    </div>`)}
  </section>`;
}

function stepText({ progress_step: step, progress_total: total, progress_ap: ap }) {
  if (!total) return "";
  return `step ${step} / ${total}${ap === null || ap === undefined ? "" : ` · AP ${decimal(ap)}`}`;
}

/** A progress bar, or why there is none yet: no worker has begun it, or it has not reported. */
function TrainingProgress({ training, name }) {
  if (!training.progress_total) return html`<span class="muted">${training.worker_started_at === null ? "queued" : "running"}</span>`;
  return html`<progress max=${training.progress_total} value=${training.progress_step ?? 0} aria-label=${`Progress of ${name}`} />`;
}
