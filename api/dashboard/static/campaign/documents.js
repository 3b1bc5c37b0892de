// The documents that the page of a campaign reads beside the campaign itself, each only as often as it can change.

import { useResource } from "../resource.js";
import { FINISHED, RETRYABLE, STARTABLE } from "../states.js";
import { isInFinals, isTrainingShared } from "./finals.js";
import { useThrottled, useVersioned } from "./versions.js";

const TABLE_MS = 2000; // the table follows new events at most so often
const FIGURES_MS = 5000; // and the figures so
const PROGRESS_MS = 2000; // reports of progress are no events
const SUPERVISORS_MS = 10_000;
const RECENT = 100; // trials that rates and estimates are taken from
const MAX_RUNNING = 50;

/**
 * `best`, `search`, `report` (of the finals), `counts` and `supervisors` are null until they have been read, and
 * where there are none; `recent` and `running` are lists of trials. `version` and `figuresVersion` follow the campaign's
 * newest event.
 */
export function useDocuments(campaign, page) {
  const { path } = page, { state, spec, finals } = campaign;
  const isFinished = FINISHED.has(state), isDraft = STARTABLE.has(state);
  const isActive = !isFinished && !isDraft && campaign.paused_at === null;
  const isSearching = isActive && !isTrainingShared(campaign) && !isInFinals(campaign);
  const version = useThrottled(campaign.last_event, TABLE_MS), figuresVersion = useThrottled(campaign.last_event, FIGURES_MS);
  const hasTrials = campaign.trials_begun > 0;
  const ranked = [campaign.best_trial, campaign.baseline_reward, finals?.best, finals?.winner, finals?.state].join();
  const needsRecent = hasTrials && (!isFinished || RETRYABLE.has(state));
  const atMost = Math.min(spec.parallelism, MAX_RUNNING);

  const best = useVersioned(hasTrials ? `${path}/best` : null, ranked);
  const search = useVersioned(hasTrials ? `${path}/figures/search` : null, figuresVersion);
  const recent = useVersioned(needsRecent ? `${path}/trials?order_by=-number&limit=${RECENT}` : null, figuresVersion);
  const counts = useVersioned(hasTrials ? `${path}/trials/counts` : null, version, isSearching ? PROGRESS_MS : null);
  const running = useResource(hasTrials && isSearching ? `${path}/trials?state=running&limit=${atMost}` : null, PROGRESS_MS);
  const report = useVersioned(finals === null ? null : `${path}/finals`, version, isInFinals(campaign) && isActive ? PROGRESS_MS : null);
  const ready = useResource("/readyz", isFinished ? null : SUPERVISORS_MS);
  return {
    best: best.data,
    search: search.data,
    recent: recent.data?.items ?? [],
    counts: counts.data,
    running: running.data?.items ?? [],
    report: report.data,
    supervisors: ready.data?.supervisors ?? null,
    version,
    figuresVersion,
  };
}
