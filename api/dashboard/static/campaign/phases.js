// The phases of a campaign that has more than its search: shared weights, search, finals.

import { counted, decimal, duration } from "../format.js";
import { FINISHED } from "../states.js";
import { finalsSecondsLeft, secondsLeft, sharedSecondsLeft } from "../time-left.js";
import { html } from "../ui.js";
import { isInFinals, isTrainingShared } from "./finals.js";

/**
 * The phases as `{ name, state, value, max, note }`; `state` is `done`, `now`, `to come` or `not run`. Empty for a campaign
 * that is a search alone.
 */
export function phasesOf(campaign, recent, report, now) {
  const { shared_training: shared, spec, finals } = campaign;
  if (shared === null && finals === null && spec.finals === null) return [];
  const isOver = FINISHED.has(campaign.state);
  const search = {
    name: "Search",
    state: isInFinals(campaign) || campaign.stopped_because !== null || campaign.trials_finished >= spec.trials ? "done" : isOver ? "not run" : campaign.trials_begun ? "now" : "to come",
    value: campaign.trials_finished,
    max: spec.trials,
    note: `${campaign.trials_finished} / ${spec.trials} trials`,
    left: isOver || isInFinals(campaign) || isTrainingShared(campaign) ? null : secondsLeft(campaign, recent, now),
  };
  if (search.state === "not run" && campaign.trials_finished) search.state = "ended early";
  return [...(shared ? [sharedPhase(campaign, now)] : []), search, ...(finals || spec.finals ? [finalsPhase(campaign, report, isOver)] : [])];
}

function sharedPhase(campaign, now) {
  const { state, step, steps, loss, is_reused: isReused } = campaign.shared_training;
  const facts = [isReused ? "trained before" : `step ${step} / ${steps}`, !isReused && loss !== null && `loss ${decimal(loss)}`];
  const words = { completed: "done", running: "now" };
  return { name: "Shared weights", state: words[state] ?? state, value: isReused ? steps : step, max: steps, note: facts.filter(Boolean).join(", "), left: sharedSecondsLeft(campaign, now) };
}

function finalsPhase(campaign, report, isOver) {
  const { finals, spec } = campaign;
  if (finals === null) {
    const { top, seeds } = spec.finals;
    return { name: "Finals", state: isOver ? "not run" : "to come", value: 0, max: 1, note: `${counted(top, "candidate")}, ${counted(seeds, "seed")}`, left: null };
  }
  const left = isInFinals(campaign) && report ? finalsSecondsLeft(campaign, report) : null;
  const words = { completed: "done", running: "now" };
  const follows = isOver || isInFinals(campaign) ? "" : ` before it was continued${spec.finals ? ", more to come" : ""}`;
  return { name: "Finals", state: words[finals.state] ?? finals.state, value: finals.runs_finished, max: Math.max(1, finals.runs), note: `${finals.runs_finished} / ${finals.runs} trainings${follows}`, left };
}

/** One that waits (`isWaiting`) has no estimate. */
export function Phases({ phases, isWaiting }) {
  if (!phases.length) return null;
  return html`<ol class="card phases" aria-label="Phases">
    ${phases.map(({ name, state, value, max, note, left }) => html`<li key=${name} data-state=${state} aria-current=${state === "now" ? "step" : null}>
      <p><strong>${name}</strong> <span class="muted">${state}</span></p>
      <progress max=${max} value=${value} aria-label=${`Progress: ${name}`} />
      <p class="muted">${note}${left !== null && !isWaiting && ` · ≈ ${duration(left)} left`}</p>
    </li>`)}
  </ol>`;
}
