// Estimates the time left of a campaign. api/cli/campaign/time_left.py has the same rule; both are tested with the same
// cases.

/** The training time of a finished trial in seconds; null if it was not trained. */
export function trainingSeconds(trial) {
  if (trial.finished_at === null || trial.reused_from !== null) return null;
  return trial.metrics?.seconds ?? (Date.parse(trial.finished_at) - Date.parse(trial.started_at)) / 1000;
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Estimated seconds to the end of a campaign: its remaining trials, minus the completed fractions of running ones, times
 * the median training time, times the fraction of recent trials that were trained (not repeats), divided by its
 * parallelism. `recent` are its latest trials. null before the first trained one, and while the campaign is paused.
 */
export function secondsLeft(campaign, recent) {
  const completed = recent.filter((trial) => trial.state === "completed");
  const trained = completed.map(trainingSeconds).filter((seconds) => seconds !== null);
  if (campaign.state === "paused" || !trained.length) return null;
  const done = recent.filter((trial) => trial.state === "running")
    .reduce((sum, trial) => sum + (trial.progress_step ?? 0) / (trial.progress_total || 1), 0);
  const left = Math.max(0, campaign.spec.trials - campaign.trials_finished - done);
  return (median(trained) * left * (trained.length / completed.length)) / campaign.spec.parallelism;
}

/**
 * Estimated seconds to the end of finals: the trainings left, minus the completed fractions of running ones, times the
 * median training time, divided by the campaign's parallelism. null before the first is finished, and unless they run.
 */
export function finalsSecondsLeft(campaign, { finals, runs }) {
  const trained = runs.filter((run) => run.state === "completed")
    .map((run) => run.metrics?.seconds ?? (Date.parse(run.finished_at) - Date.parse(run.started_at)) / 1000);
  if (finals.state !== "running" || campaign.state === "paused" || !trained.length) return null;
  const done = runs.filter((run) => run.state === "running")
    .reduce((sum, run) => sum + (run.progress_step ?? 0) / (run.progress_total || 1), 0);
  return (median(trained) * Math.max(0, finals.runs - finals.runs_finished - done)) / campaign.spec.parallelism;
}

/**
 * Estimated seconds to the end of the training of a campaign's shared weights, from those that its steps have taken; null
 * before there are any, and unless it is running. `now` is in milliseconds since 1970.
 */
export function sharedSecondsLeft({ shared_training: training }, now) {
  if (training?.state !== "running" || !training.step) return null;
  const taken = training.seconds + Math.max(0, now - Date.parse(training.started_at)) / 1000;
  return (taken / training.step) * (training.steps - training.step);
}
