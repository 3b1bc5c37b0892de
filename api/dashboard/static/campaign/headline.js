// The figures at the head of a campaign's page as text: what is best, what it gains, how large it is, what it has cost.

import { dateTime, decimal, duration, millions, percent, secondsBetween, signed } from "../format.js";
import { FINISHED, STARTABLE } from "../states.js";
import { finalsSecondsLeft, secondsLeft, sharedSecondsLeft } from "../time-left.js";
import { isInFinals, isTrainingShared } from "./finals.js";

/** The AP of the best trial that is known, and how sure it is. `first` is that trial's document, null before any reward. */
export function bestFigure(campaign, first) {
  const { best_reward: reward, finals } = campaign;
  const isFirst = first !== null && first.number === finals?.best;
  const isConfirmed = isFirst && first.number === finals.winner;
  const highest = campaign.best_trial === 0 ? "the baseline itself" : `trial ${campaign.best_trial}`;
  return {
    label: isConfirmed ? "AP of the confirmed winner" : isFirst ? "AP of the first in the finals" : "Best AP",
    value: decimal(isFirst ? first.reward : reward),
    note: reward === null ? "" : isFirst ? `trial ${first.number}; highest ${decimal(reward)}, ${highest}` : highest,
  };
}

/** The gain of the first in the finals, as they have measured it, or else that of the highest reward, with how much similar architectures differ (95 %). */
export function gainFigure(campaign, report, gainError) {
  const { best_reward: reward, baseline_reward: baseline } = campaign;
  const label = "Gain over the baseline";
  const found = report?.verdict.comparisons.find(({ trial }) => trial === campaign.finals.best);
  if (found) {
    const word = found.trial === campaign.finals.winner ? "confirmed" : "not confirmed";
    return { label, value: signed(found.mean), note: `${word}: trial ${found.trial}, 95\u00a0% ${signed(found.low)} to ${signed(found.high)}` };
  }
  const gain = reward === null || baseline === null ? null : reward - baseline;
  const relative = gain && baseline > 0 ? `, ${signed((100 * gain) / baseline, 0)}\u00a0%` : "";
  const noise = gain && gainError ? `, scatter \u00b1${decimal(gainError)}` : "";
  return {
    label,
    value: campaign.best_trial === 0 ? "none yet" : signed(gain),
    note: baseline === null ? "" : `baseline ${decimal(baseline)}${relative}${noise}${gain ? ", not confirmed" : ""}`,
  };
}

/** The parameters of the best, and how many more or fewer than the baseline has. */
export function paramsFigure(first, baseline) {
  const change = first && baseline && first.number !== 0 ? `${signed(100 * (first.params / baseline.params - 1), 0)}\u00a0% against the baseline, ` : "";
  return {
    label: "Parameters of the best",
    value: first ? millions(first.params, 2) : "–",
    note: first ? `${change}${percent(first.madds_ratio)} of the multi-adds` : "",
  };
}

/**
 * The time taken, or the estimated time left; `recent` are the latest trials, `now` is in milliseconds since 1970. One that
 * waits (`isWaiting`) has no estimate.
 */
export function timeFigure(campaign, recent, report, now, isWaiting) {
  if (FINISHED.has(campaign.state)) {
    const value = duration(secondsBetween(campaign.started_at, campaign.finished_at));
    return { label: "Time taken", value, note: campaign.finished_at ? `ended ${dateTime(campaign.finished_at)}` : "" };
  }
  if (isWaiting) return { label: "Time left", value: "–", note: "it waits" };
  const left = isInFinals(campaign) && report ? finalsSecondsLeft(campaign, report)
    : isTrainingShared(campaign) ? sharedSecondsLeft(campaign, now) : secondsLeft(campaign, recent);
  return { label: "Time left", value: left === null ? "–" : `≈ ${duration(left)}`, note: timeNote(campaign, now) };
}

function timeNote(campaign, now) {
  const elapsed = secondsBetween(campaign.started_at, new Date(now).toISOString());
  if (campaign.paused_at !== null) return `paused since ${dateTime(campaign.paused_at)}`;
  if (STARTABLE.has(campaign.state)) return "not started yet";
  if (campaign.waiting_for) return "waiting";
  if (isTrainingShared(campaign)) return "of the shared weights; then the search";
  if (isInFinals(campaign)) return "finals";
  return elapsed === null ? "waiting for a runner" : `running for ${duration(elapsed)}`;
}

/** The device time spent, and what the specification allows. */
export function deviceFigure({ device_seconds: seconds, spec }) {
  const limit = spec.stop?.device_hours;
  return { label: "Device time", value: duration(seconds), note: limit ? `of at most ${duration(3600 * limit)}` : "finished attempts, all devices" };
}

/** The button that exports: of the winner once there is one. */
export const exportLabel = (campaign) => (campaign.finals?.winner ? "Export winner" : "Export best");

