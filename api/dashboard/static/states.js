// Sets of states of campaigns and trainings, which the service derives from their transitions and writes into every page.

const states = (name) => new Set(document.body.dataset[`${name}States`].split(" "));

export const FINISHED = states("finished");
/** States in which a campaign needs a supervisor. */
export const CLAIMABLE = states("claimable");
/** States in which fields of a campaign can be changed. */
export const CHANGEABLE = states("changeable");
/** States that a request to start, pause, resume, retry, continue or stop a campaign, or for finals, changes. */
export const STARTABLE = states("startable");
export const PAUSABLE = states("pausable");
export const RESUMABLE = states("resumable");
export const RETRYABLE = states("retryable");
export const CONTINUABLE = states("continuable");
export const FINALS_ALLOWED = states("finals");
export const STOPPABLE = states("stoppable");
/** States in which a campaign can be deleted. */
export const DELETABLE = states("deletable");
/** States of a training without a process, and those that a request to stop or resume a training changes. */
export const FINISHED_TRAININGS = states("trainings_finished");
export const STOPPABLE_TRAININGS = states("trainings_stoppable");
export const RESUMABLE_TRAININGS = states("trainings_resumable");

/** The state of a trial as it is shown: one that no worker has begun is queued. */
export const shownState = ({ state, worker_started_at: at }) => (state === "running" && at === null ? "queued" : state);
