// Whether a campaign is healthy, in a word and with the reason, from the documents that the page has.

import { percent, secondsBetween } from "../format.js";
import { CLAIMABLE, FINISHED, RETRYABLE, STARTABLE } from "../states.js";
import { throughput } from "../time-left.js";
import { errorTitle, stopReasonTitle } from "../titles.js";
import { isInFinals } from "./finals.js";

/**
 * `{ word, level, why, isWaiting }`; `level` is `good`, `warn`, `bad` or `none`. `search` is the figure of that name and
 * `supervisors` the list of the service; both may be null.
 */
export function healthOf(campaign, search, supervisors) {
  const { state } = campaign;
  if (RETRYABLE.has(state)) return { word: "Failed", level: "bad", why: errorTitle(campaign.error_kind) ?? "see the error below" };
  if (FINISHED.has(state)) return { word: state === "completed" ? "Completed" : "Stopped", level: "none", why: campaign.stopped_because ? stopReasonTitle(campaign.stopped_because, campaign.spec.stop) : "" };
  if (STARTABLE.has(state)) return { word: "Not started", level: "none", why: "a draft runs once it is started" };
  if (campaign.paused_at !== null) return { word: "Paused", level: "none", why: "nothing runs until it is resumed" };
  if (CLAIMABLE.has(state) && supervisors && !supervisors.some(({ is_alive: isAlive }) => isAlive)) {
    return { word: "Waiting", level: "bad", why: "no supervisor is running", isWaiting: true };
  }
  if (campaign.waiting_for) return { word: "Waiting", level: "warn", why: campaign.waiting_for, isWaiting: true };
  if (search?.is_failing) return { word: "Failing", level: "bad", why: failingText(search) };
  if (isStuck(campaign, search)) return { word: "Stuck", level: "warn", why: search.has_collapsed ? "it repeats known architectures" : "nothing better has come for long" };
  return { word: "Healthy", level: "good", why: campaign.best_reward === null ? "no reward yet" : "" };
}

/** Why a campaign is said to be failing, from its figure or summary `search`. */
export const failingText = ({ failed_lately: failed, outcomes_lately: outcomes }) => `${failed} of the latest ${outcomes} trials failed`;

/** Whether a search goes on that only repeats itself or has found nothing better for long. */
export function isStuck(campaign, search) {
  return Boolean(search) && !FINISHED.has(campaign.state) && !isInFinals(campaign) && (search.has_collapsed || search.is_on_plateau);
}

/** Whether the searcher has a policy that learns. */
export const hasPolicy = (campaign) => campaign.spec.controller.algorithm === "reinforce";

/** Whether the search still finds anything, as a sentence; empty before the first reward. */
export function searchSentence(campaign, search) {
  if (!search || !campaign.trials_finished) return "";
  return hasPolicy(campaign) ? `${search.sentence}; entropy of the policy ${percent(search.entropy)}.` : `${search.sentence}.`;
}

/** Trials in an hour at the observed throughput, or of a search that has ended on average; null before there are any. */
export function trialsAnHour(campaign, recent) {
  if (FINISHED.has(campaign.state)) {
    const seconds = secondsOfSearch(campaign);
    return campaign.trials_finished > 1 && seconds > 0 ? (3600 * campaign.trials_finished) / seconds : null;
  }
  const seconds = throughput(recent, campaign.spec.parallelism);
  return seconds === null ? null : 3600 / seconds;
}

/** The time of a campaign that has ended without pauses, its shared training and its latest finals. */
function secondsOfSearch({ started_at: began, finished_at: ended, paused_seconds: paused, shared_training: shared, finals }) {
  const ofFinals = finals ? secondsBetween(finals.started_at, finals.finished_at ?? ended) : 0;
  return secondsBetween(began, ended) - paused - (shared?.seconds ?? 0) - ofFinals;
}
