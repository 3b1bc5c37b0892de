// Sets of campaign states, which the service derives from the transitions of a campaign and writes into every page.

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
