// What must be known first of a trial: its error and what follows, that it repeats another, or that it was cut short.

import { FINISHED } from "../states.js";
import { errorTitle } from "../titles.js";
import { html } from "../ui.js";
import { LogTail } from "./attempts.js";

export function Notice({ campaign, trial, mayOperate, onNumber }) {
  if (trial.error) return html`<${Failure} campaign=${campaign} trial=${trial} mayOperate=${mayOperate} />`;
  if (trial.reused_from !== null) {
    const again = html`<button type="button" class="plain" onClick=${() => onNumber(trial.reused_from)}>trial ${trial.reused_from}</button>`;
    return html`<p class="banner">The same architecture as ${again}, whose outcome ${trial.state === "running" ? "it waits for" : "it has"}: a repeat is not trained again.</p>`;
  }
  if (trial.stopped_early_step !== null) return html`<p class="banner">Stopped early at step ${trial.stopped_early_step}, below the median of earlier trials; the AP is that of this step.</p>`;
  if (trial.state === "stopped") return html`<p class="banner">The campaign ended before this trial had an outcome.</p>`;
  return null;
}

function Failure({ campaign, trial, mayOperate }) {
  const failed = trial.attempts_made.findLast((attempt) => attempt.log_tail && attempt.error);
  return html`<div class="banner failure" role="alert">
    <strong>${errorTitle(trial.error_kind) ?? "Error"}</strong>
    <pre>${trial.error}</pre>
    <p>${next(campaign, trial, mayOperate)}</p>
    ${failed && html`<p>The end of the log of attempt ${failed.number}:</p><${LogTail} text=${failed.log_tail} name=${`attempt ${failed.number}`} />`}
  </div>`;
}

function next({ state, spec }, trial, mayOperate) {
  const attempts = `${trial.attempts} ${trial.attempts === 1 ? "attempt" : "attempts"}`;
  if (state === "failed" && trial.state !== "completed") return `The campaign has failed. Once the cause is fixed, ${mayOperate ? "“Try again” on its page continues it" : "a key of scope operate can continue it"}; trials without an outcome start again.`;
  if (trial.state === "failed" && trial.reused_from !== null) return `Trial ${trial.reused_from} of the same architecture has failed, so this one has its outcome.`;
  if (trial.state === "failed") return `Given up after ${attempts}, with the reward 0, from which the controller has learned.${FINISHED.has(state) ? "" : " The search goes on."}`;
  if (trial.state === "stopped") return "The campaign ended before another attempt.";
  return `That was the latest failed attempt. A trial is given up after ${spec.retries} ${spec.retries === 1 ? "retry" : "retries"}; this one is at its attempt ${trial.attempts}.`;
}
