// The attempts at a trial, each with the end of its worker's log.

import { dateTime, decimal, duration, secondsBetween } from "../format.js";
import { errorTitle } from "../titles.js";
import { html, useEffect, useRef } from "../ui.js";

const WITHOUT_LOG = {
  running: "The end of the log is read when the attempt ends.",
  abandoned: "No log was kept: its runner was lost, or the campaign was stopped or paused.",
};

export function Attempts({ trial }) {
  const attempts = trial.attempts_made;
  return html`<section class="card" aria-labelledby="trial-attempts">
    <h2 id="trial-attempts">Attempts</h2>
    ${attempts.length === 0 && html`<p class="muted">None: a repeat is not trained and ${trial.state === "running" ? "waits for" : "has"} the outcome of trial ${trial.reused_from}.</p>`}
    ${attempts.map((attempt) => html`<details key=${attempt.number}>
      <summary>Attempt ${attempt.number} <span class="state" data-state=${attempt.state}>${attempt.state}</span> <span class="muted">${about(attempt)}</span></summary>
      ${attempt.error && html`<pre class="error">${attempt.error}</pre>`}
      ${attempt.log_tail ? html`<${LogTail} text=${attempt.log_tail} name=${`attempt ${attempt.number}`} />`
        : html`<p class="muted">${WITHOUT_LOG[attempt.state] ?? "No log was kept: the worker wrote nothing, or an earlier version trained it."}</p>`}
    </details>`)}
  </section>`;
}

function about({ reward, error_kind: kind, started_at: started, finished_at: finished }) {
  return [errorTitle(kind), reward !== null && `AP ${decimal(reward)}`, `started ${dateTime(started)}`, finished && `ended after ${duration(secondsBetween(started, finished))}`].filter(Boolean).join(" · ");
}

/** The end of a worker's log, scrolled to its last line. */
export function LogTail({ text, name }) {
  const place = useRef(null);
  useEffect(() => { place.current.scrollTop = place.current.scrollHeight; }, [text]);
  return html`<pre ref=${place} class="log" tabindex="0" aria-label=${`End of the worker's log, ${name}`}>${text}</pre>`;
}
