// What a dry run says of the time that a campaign takes, and its warnings.

import { deviceTime, duration } from "../format.js";
import { stopReasonTitle } from "../titles.js";
import { html } from "../ui.js";
import { MarkedText } from "./marked-text.js";

const BASES = {
  "same-workers": (count) => `from ${count} like it, with the same workers`,
  "same-task": (count) => `from ${count} like it, with other workers`,
  profile: () => "as the profile says",
};
const SHARED_BASES = {
  kept: "trained by an earlier campaign, so only read",
  "same-workers": "trained once, before the first trial",
  "same-task": "trained once, from trainings with other workers",
  nothing: "No training like theirs has been measured here; it comes on top.",
};

/** How many train at once; fewer than asked for where the machine cannot run them. */
const atATime = ({ parallelism, at_once: atOnce }) => (atOnce !== null && atOnce < parallelism ? `${atOnce} of ${parallelism} at a time since no more can run here` : `${parallelism} at a time`);

export function Estimate({ estimate }) {
  const { shared_training: shared, finals, trials } = estimate;
  return html`<dl class="facts estimate">
    ${shared && html`<div><dt>Shared weights</dt><dd>${shared.wall_seconds === null ? "not known yet" : `≈ ${duration(shared.wall_seconds)} first, ${deviceTime(shared.device_hours)}`}
      <span class="muted">${SHARED_BASES[shared.basis]}</span></dd></div>`}
    <div><dt>Time</dt><dd>${estimate.wall_seconds === null ? "not known yet" : `≈ ${duration(estimate.wall_seconds)}`}
      <span class="muted">${estimate.basis === "nothing" ? "No trial like it has been trained here." : `${trials.toLocaleString("en")} trials, ${atATime(estimate)}, ${BASES[estimate.basis](estimate.measured_trials)}`}</span></dd></div>
    <div><dt>Device time</dt><dd>${estimate.device_hours === null ? "not known yet" : `≈ ${duration(3600 * estimate.device_hours)}`}
      ${estimate.bounded_by && html`<span class="muted">ends before its last trial: ${stopReasonTitle(estimate.bounded_by)}</span>`}</dd></div>
    ${finals && html`<div><dt>Finals</dt><dd>${finals.wall_seconds === null ? "not known yet" : `≈ ${duration(finals.wall_seconds)} more, ${deviceTime(finals.device_hours)}`}
      <span class="muted">${finals.trainings} trainings</span></dd></div>`}
  </dl>`;
}

export const Warnings = ({ warnings }) => warnings.length > 0 && html`<ul class="warnings">${warnings.map((text) => html`<li key=${text}><${MarkedText} text=${text} /></li>`)}</ul>`;
