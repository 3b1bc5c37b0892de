// Estimates the time left of a campaign. api/cli/campaign/time_left.py has the same rule; both are tested with the same
// cases.

import { wallSeconds } from "./format.js";

// Nothing has run in an interval between two ends that is longer than PAUSE_SECONDS and PAUSE_FACTOR trainings.
const PAUSE_SECONDS = 60;
const PAUSE_FACTOR = 3;

/** The seconds that a worker took for a finished trial or final; null if none has trained it. */
export function trainingSeconds(training) {
  if (training.finished_at === null || training.worker_started_at === null) return null;
  return training.metrics?.seconds ?? (Date.parse(training.finished_at) - Date.parse(training.worker_started_at)) / 1000;
}

/**
 * Seconds for `left` trainings at the observed throughput: times the mean interval between the ends of recent ones, repeats
 * among them, pauses left out. Until more have been trained than train at once: times their median duration, divided by the
 * number that has run at once. null before the first end, and of repeats alone before the second.
 */
function secondsOf(left, recent, parallelism) {
  const each = throughput(recent, parallelism);
  return each === null ? null : left * each;
}

/** Seconds from the end of one training to that of the next, by the rule of `secondsOf`. */
export function throughput(recent, parallelism) {
  const done = recent.filter((training) => training.state === "completed");
  const trained = done.map(trainingSeconds).filter((seconds) => seconds !== null);
  const atOnce = trained.length ? mostAtOnce(recent, parallelism) : 1;
  if (!trained.length || trained.length > atOnce) {
    const ends = done.map((training) => Date.parse(training.finished_at) / 1000);
    const interval = meanInterval(ends, Math.max(0, ...trained), atOnce);
    if (interval !== null) return interval;
  }
  return trained.length ? (median(trained) * (trained.length / done.length)) / atOnce : null;
}

/** The mean interval between ends in seconds; null where fewer than `atOnce` are left without pauses, and where all are 0. */
function meanInterval(ends, longestTraining, atOnce) {
  const sorted = [...ends].sort((a, b) => a - b);
  const longest = Math.max(PAUSE_SECONDS, PAUSE_FACTOR * longestTraining);
  const intervals = sorted.slice(1).map((end, index) => end - sorted[index]).filter((interval) => interval <= longest);
  const total = sum(intervals);
  return intervals.length >= atOnce && total > 0 ? total / intervals.length : null;
}

/** The most of these trainings that workers have run at one time, failed ones included: from 1 to `parallelism`. */
function mostAtOnce(trainings, parallelism) {
  const changes = trainings.filter(({ worker_started_at: began }) => began !== null).flatMap(({ worker_started_at: began, finished_at: ended }) => [
    [Date.parse(began), 1], ...(ended === null ? [] : [[Date.parse(ended), -1]]),
  ]);
  changes.sort(([one, change], [other, otherChange]) => one - other || change - otherChange);
  let running = 0, most = 0;
  for (const [, change] of changes) most = Math.max(most, running += change);
  return Math.max(1, Math.min(parallelism, most));
}

/** The parts of running trainings that are done: two of them halfway are 1. */
function completedFractions(trainings) {
  return sum(trainings.filter((training) => training.state === "running")
    .map((training) => (training.progress_step ?? 0) / (training.progress_total || 1)));
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Estimated seconds to the end of a search: of its remaining trials, minus the completed fractions of running ones, or until
 * its `wall_seconds` or `device_hours`. `recent` are its latest trials, `now` is in milliseconds since 1970. null before the
 * first trained one, and while the campaign is paused.
 */
export function secondsLeft(campaign, recent, now) {
  if (campaign.state === "paused") return null;
  const { spec } = campaign;
  const trials = Math.min(spec.trials - campaign.trials_finished, trialsWithinDeviceHours(campaign, recent));
  const left = secondsOf(Math.max(0, trials - completedFractions(recent)), recent, spec.parallelism);
  const limit = spec.stop?.wall_seconds ?? Infinity;
  return left === null ? null : Math.min(left, Math.max(0, limit - (wallSeconds(campaign, now) ?? 0)));
}

/** The trials until `device_hours`, if each takes the mean device time of recent ones, repeats among them. */
function trialsWithinDeviceHours({ spec, device_seconds: taken }, recent) {
  const limit = spec.stop?.device_hours ?? Infinity;
  const done = recent.filter((training) => training.state === "completed");
  const devices = spec.resources.tpus || spec.resources.gpus || 1;
  const each = (sum(done.map((training) => trainingSeconds(training) ?? 0)) / done.length) * devices;
  return each > 0 ? (3600 * limit - taken) / each : Infinity;
}

/**
 * Estimated seconds to the end of finals: of the trainings left, minus the completed fractions of running ones. null before
 * the first is finished, and unless they run.
 */
export function finalsSecondsLeft(campaign, { finals, runs }) {
  if (finals.state !== "running" || campaign.state === "paused") return null;
  return secondsOf(Math.max(0, finals.runs - finals.runs_finished - completedFractions(runs)), runs, campaign.spec.parallelism);
}

/**
 * Estimated seconds to the end of the training of a campaign's shared weights, from those that its steps have taken; null
 * before there are any, and unless it is running. `now` is in milliseconds since 1970.
 */
export function sharedSecondsLeft({ shared_training: training }, now) {
  if (training?.state !== "running" || !training.step || training.worker_started_at === null) return null;
  const taken = training.seconds + Math.max(0, now - Date.parse(training.worker_started_at)) / 1000;
  return (taken / training.step) * (training.steps - training.step);
}
