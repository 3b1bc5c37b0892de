// Sets of campaign states, which the service writes into every page.

const states = (name) => new Set(document.body.dataset[name].split(" "));

export const FINISHED = states("finishedStates");
/** States in which a campaign needs a supervisor. */
export const CLAIMABLE = states("claimableStates");
