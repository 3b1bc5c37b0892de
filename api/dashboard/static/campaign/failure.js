// Why a campaign has failed: its error, the end of the log of the attempt that failed, and a way to try again.

import { useResource } from "../resource.js";
import { LogTail } from "../trial/attempts.js";
import { html } from "../ui.js";
import { retry } from "./actions.js";

/** `recent` are the latest trials, `report` that of the finals or null; `onAction` is undefined for those who may not retry. */
export function Failure({ campaign, page, recent, report, onAction }) {
  const failed = recent.find(({ error }) => error !== null);
  const detail = useResource(failed ? `${page.path}/trials/${failed.number}` : null);
  const logs = [
    ...(detail.data?.attempts_made ?? []).map((attempt) => ({ name: `trial ${failed.number}, attempt ${attempt.number}`, text: attempt.log_tail, at: attempt.finished_at })),
    ...(report?.runs ?? []).map((run) => ({ name: `final of trial ${run.trial}, seed ${run.seed}`, text: run.log_tail, at: run.finished_at })),
    { name: "shared weights", text: campaign.shared_training?.log_tail, at: campaign.shared_training?.finished_at },
  ].filter(({ text }) => text).sort((one, other) => Date.parse(other.at) - Date.parse(one.at));
  const log = logs[0];
  return html`<div class="banner failure" role="alert">
    <strong>The campaign failed${campaign.error_kind && `: ${campaign.error_kind.replaceAll("-", " ")}`}.</strong>
    <pre tabindex="0" aria-label="Error">${campaign.error}</pre>
    ${log && html`<details open><summary>End of the worker's log, ${log.name}</summary><${LogTail} text=${log.text} name=${log.name} /></details>`}
    <p class="note">Once the cause is fixed, a retry continues it: finished trials keep their rewards, the others start again.
      ${onAction && html` <button type="button" class="plain" onClick=${() => onAction(retry)}>Try again</button>`}</p>
  </div>`;
}

/** The latest failed attempt at the shared weights, until they are trained. */
export function SharedFailure({ training, onAttempts }) {
  if (!training?.error) return null;
  const show = () => onAttempts("Training of the shared weights", [{ ...training, state: "failed", title: "Latest failed attempt" }]);
  const { error_kind: kind, error } = training;
  return html`<p class="banner">Shared weights: the latest attempt failed. <span class="error" title=${error}>${kind && html`<strong>${kind}</strong>: `}${error.trim().split("\n").at(-1)}</span>${" "}
    <button type="button" class="plain" onClick=${show}>Log</button></p>`;
}
