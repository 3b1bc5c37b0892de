// The figures at the head of a campaign's page as text: what is best, what it gains, how large it is, what it has cost.

import { dateTime, decimal, duration, millions, ofBudget, signed, wallSeconds } from "../format.js";
import { gainValue, seedsText, sureness, verdictText } from "../gain.js";
import { FINISHED, STARTABLE, STOPPABLE } from "../states.js";
import { finalsSecondsLeft, secondsLeft, sharedSecondsLeft } from "../time-left.js";
import { isInFinals, isTrainingShared } from "./finals.js";

const named = (number) => (number === 0 ? "the baseline itself" : `trial ${number}`);

/** The AP of the best trial that is known: its mean in the finals, or its reward. `best` is the document, null until read. */
export function bestFigure(campaign, best) {
  const first = best?.items[0] ?? null, gain = best?.gain ?? null;
  if (first === null || gain === null || gain.seeds === null) return { label: "Best AP", value: decimal(first?.reward), note: first === null ? "" : named(first.number) };
  const { best_trial: highest, best_reward: reward } = campaign;
  return {
    label: gain.is_confirmed ? "AP of the confirmed winner" : "AP of the first in the finals",
    value: decimal(gain.reward),
    note: `${named(gain.trial)}, mean of ${seedsText(gain.seeds)}; ${highest === gain.trial ? `${decimal(reward)} in the search` : `highest in the search ${decimal(reward)}, ${named(highest)}`}`,
  };
}

/** The gain over the baseline, with its interval in the finals or the margin of error of single rewards; `search` is the figure. */
export function gainFigure(campaign, gain, search) {
  const label = "Gain over the baseline";
  if (!gain) return { label, value: "–", note: campaign.baseline_reward === null ? "" : `baseline ${decimal(campaign.baseline_reward)}` };
  const baseline = `baseline ${decimal(gain.baseline_reward)}`;
  if (gain.trial === 0) return { label, value: FINISHED.has(campaign.state) ? "none" : "none yet", note: gain.seeds === null ? baseline : `${baseline} in the finals` };
  if (gain.seeds !== null) return { label, value: gainValue(gain), note: `${verdictText(gain)}: ${baseline}, ${sureness(gain, search)}` };
  const relative = gain.baseline_reward > 0 ? `, ${signed((100 * gain.value) / gain.baseline_reward, 0)}\u00a0%` : "";
  return { label, value: gainValue(gain), note: `${baseline}${relative}, ${sureness(gain, search)}, ${verdictText(gain)}` };
}

/** The parameters of the best, and how many more or fewer than the baseline has. */
export function paramsFigure(campaign, first, baseline) {
  const change = first && baseline && first.number !== 0 ? `${signed(100 * (first.params / baseline.params - 1), 0)}\u00a0% against the baseline` : "";
  return {
    label: "Parameters of the best",
    value: first ? millions(first.params, 2) : "–",
    note: first ? [change, ofBudget(campaign, first)].filter(Boolean).join(", ") : "",
  };
}

/**
 * The time taken, or the estimated time left; `recent` are the latest trials, `now` is in milliseconds since 1970. One that
 * waits (`isWaiting`) has no estimate.
 */
export function timeFigure(campaign, recent, report, now, isWaiting) {
  if (FINISHED.has(campaign.state)) {
    const value = duration(wallSeconds(campaign, now));
    return { label: "Time taken", value, note: campaign.finished_at ? `ended ${dateTime(campaign.finished_at)}` : "" };
  }
  if (isWaiting) return { label: "Time left", value: "–", note: "waiting" };
  const left = isInFinals(campaign) ? (report ? finalsSecondsLeft(campaign, report) : null)
    : isTrainingShared(campaign) ? sharedSecondsLeft(campaign, now) : secondsLeft(campaign, recent, now);
  return { label: "Time left", value: left === null ? "–" : `≈ ${duration(left)}`, note: timeNote(campaign, now) };
}

function timeNote(campaign, now) {
  const elapsed = wallSeconds(campaign, now);
  if (campaign.paused_at !== null) return `paused since ${dateTime(campaign.paused_at)}`;
  if (STARTABLE.has(campaign.state)) return "not started yet";
  if (campaign.waiting_for) return "waiting";
  const hasFinals = campaign.spec.finals !== null && STOPPABLE.has(campaign.state);
  if (isTrainingShared(campaign)) return `of the shared weights; then the search${hasFinals ? " and the finals" : ""}`;
  if (isInFinals(campaign)) return "finals";
  if (elapsed === null) return "waiting for a runner";
  return `${hasFinals ? "of the search; then the finals; " : ""}running for ${duration(elapsed)}`;
}

/** The device time spent, and what the specification allows. */
export function deviceFigure({ device_seconds: seconds, spec }) {
  const limit = spec.stop?.device_hours;
  return { label: "Device time", value: duration(seconds), note: limit ? `of at most ${duration(3600 * limit)}` : "finished attempts, all devices" };
}

/** The button that exports: of the winner once there is one. */
export const exportLabel = (campaign) => (campaign.finals?.winner ? "Export winner" : "Export best");

