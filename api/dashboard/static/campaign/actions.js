// What can be done with a campaign in its state, and what a confirmation truly says of it. An action has
// `label`, `isOffered`, and the texts and fields of its dialog as functions of the campaign; `keep` is the button that does
// nothing, `More` a component of further fields. `send` gets the campaign with its `path`, the entered `values` and `post`.

import { archiving, DELETE } from "../archive.js";
import { patch } from "../http.js";
import { CHANGEABLE, CONTINUABLE, DELETABLE, FINALS_ALLOWED, PAUSABLE, RESUMABLE, RETRYABLE, STARTABLE, STOPPABLE } from "../states.js";
import { StartCost } from "./cost.js";
import { isInFinals, isTrainingShared } from "./finals.js";
import { finalsRequest, FinalsTraining } from "./finals-training.js";

const isRunning = ({ state }) => state === "running";
const isPaused = ({ paused_at: at }) => at !== null;

/** What trains now, as the subject of a sentence; null if nothing does. */
function inTraining(campaign) {
  if (isPaused(campaign) || (!isRunning(campaign) && !RESUMABLE.has(campaign.state))) return null;
  if (isTrainingShared(campaign)) return "The training of the shared weights";
  return isInFinals(campaign) ? "The finals in training" : "The trials in training";
}

const verb = (subject) => (subject.startsWith("The training") ? "is" : "are");

const start = {
  name: "start",
  label: () => "Start",
  isOffered: ({ state }) => STARTABLE.has(state),
  title: () => "Start this campaign?",
  text: ({ spec }) => `Its ${spec.trials.toLocaleString("en")} trials run as soon as a supervisor claims it, at most ${spec.parallelism} at a time. Most of its settings cannot be changed afterwards.`,
  keep: () => "Keep the draft",
  confirm: () => "Start it",
  More: StartCost,
  send: ({ path, post }) => post(`${path}/start`),
};

const pause = {
  name: "pause",
  label: () => "Pause",
  isOffered: ({ state }) => PAUSABLE.has(state),
  title: () => "Pause this campaign?",
  text: (campaign) => (isRunning(campaign) ? "It stays paused, over restarts of the service too, until it is resumed."
    : "It has not begun; it waits until it is resumed."),
  keep: (campaign) => (isRunning(campaign) ? "Keep it running" : "Let it begin"),
  confirm: () => "Pause it",
  fields: (campaign) => (isRunning(campaign) ? [{
    name: "mode", label: "Trainings in progress", kind: "choice", value: "drain",
    options: [["drain", "Let them finish; begin nothing else"], ["abort", "Abandon them now; repeat them after the pause"]],
  }] : []),
  send: ({ path, values: { mode = "drain" }, post }) => post(`${path}/pause`, { mode }),
};

const resume = {
  name: "resume",
  label: (campaign) => (isPaused(campaign) ? "Resume" : "Cancel the pause"),
  isOffered: ({ state }) => RESUMABLE.has(state),
  title: (campaign) => (isPaused(campaign) ? "Resume this campaign?" : "Cancel the pause?"),
  text: (campaign) => (isPaused(campaign) ? "It goes on where it was, as soon as a supervisor claims it." : "The pause has not begun yet; the campaign goes on."),
  keep: (campaign) => (isPaused(campaign) ? "Keep it paused" : "Let it pause"),
  confirm: (campaign) => (isPaused(campaign) ? "Resume it" : "Cancel the pause"),
  send: ({ path, post }) => post(`${path}/resume`),
};

const retry = {
  name: "retry",
  label: () => "Try again",
  isOffered: ({ state }) => RETRYABLE.has(state),
  title: () => "Try again?",
  text: () => "The campaign continues: finished trials keep their outcomes, failed ones included; the others start again, with all of their retries. Fix the cause of the failure first.",
  keep: () => "Leave it failed",
  confirm: () => "Try again",
  send: ({ path, post }) => post(`${path}/retry`),
};

const change = {
  name: "change",
  label: ({ state, spec, trials_finished: finished }) => (!CONTINUABLE.has(state) ? "Change" : finished < spec.trials ? "Continue" : "More trials"),
  isOffered: ({ state, finals: had }) => CHANGEABLE.has(state) || (CONTINUABLE.has(state) && had?.state !== "interrupted"),
  title: ({ state }) => (CONTINUABLE.has(state) ? "Continue this campaign?" : "Change this campaign"),
  text: (campaign) => (CONTINUABLE.has(campaign.state) ? "The controller goes on from what it has learned, as if the search had never ended."
    : isInFinals(campaign) ? "The number of trials cannot change while the finals run."
    : isRunning(campaign) ? "Trials in training continue; additional workers start when they have finished." : ""),
  keep: () => "Change nothing",
  confirm: ({ state }) => (CONTINUABLE.has(state) ? "Continue" : "Save"),
  fields: (campaign, limits) => [
    ...(isInFinals(campaign) ? [] : [{ name: "trials", label: "Number of trials", kind: "number", ...limits.trials, value: campaign.spec.trials, min: Math.max(limits.trials.min, campaign.trials_begun, CONTINUABLE.has(campaign.state) ? campaign.trials_finished + 1 : 0) }]),
    { name: "parallelism", label: "Parallel trials", kind: "number", ...limits.parallelism, value: campaign.spec.parallelism },
    ...stopField(campaign),
  ],
  send: ({ path, values, campaign }) => patch(path, changeRequest(values, campaign)),
};

/**
 * What becomes of the stop conditions. The one that ended the search would end it again at once; so would one that was
 * reached after the last trial, in the finals.
 */
function stopField({ state, spec: { stop }, stopped_because: because }) {
  const limits = Object.values(stop ?? {}).filter((limit) => limit !== null);
  if (!CONTINUABLE.has(state) || !limits.length) return [];
  const ended = (stop[because] ?? null) !== null;
  const options = ended ? [["reached", "Drop the one that ended the search"]] : [["keep", "Keep them"]];
  if (!ended || limits.length > 1) options.push(["all", "Drop all"]);
  return [{ name: "stop", label: "Stop conditions", kind: "choice", value: options[0][0], options }];
}

/** The fields that a change sends: those that differ, and the trials of a campaign that continues. */
export function changeRequest({ stop, ...values }, { state, spec, stopped_because: because }) {
  const isSent = ([name, value]) => value !== spec[name] || (name === "trials" && CONTINUABLE.has(state));
  const changes = Object.fromEntries(Object.entries(values).filter(isSent));
  if (stop === "all") return { ...changes, stop: null };
  return stop === "reached" ? { ...changes, stop: { [because]: null } } : changes;
}

const finals = {
  name: "finals",
  label: (campaign) => (campaign.finals === null ? "Run finals" : "More finals"),
  isOffered: ({ state, baseline_reward: baseline }) => FINALS_ALLOWED.has(state) && baseline !== null,
  title: () => "Finals of this campaign",
  text: () => "The candidates and the uniform baseline are trained alone with each seed. Results that exist are kept.",
  keep: () => "Run none",
  confirm: () => "Run",
  fields: (campaign, limits) => {
    const done = campaign.finals, wanted = campaign.spec.finals ?? {};
    return [
      { name: "top", label: "Number of candidates", kind: "number", ...limits.top, value: Math.max(wanted.top ?? limits.top.value, done?.finalists.length ?? 0) },
      { name: "seeds", label: "Number of seeds", kind: "number", ...limits.seeds, value: done?.state === "completed" ? done.seeds.length + limits.seeds.value : wanted.seeds ?? limits.seeds.value },
    ];
  },
  More: FinalsTraining,
  send: ({ path, values, campaign, post }) => post(`${path}/finals`, finalsRequest(values, campaign)),
};

const stop = {
  name: "stop",
  label: () => "Stop",
  isDangerous: true,
  isOffered: ({ state }) => STOPPABLE.has(state) && !STARTABLE.has(state),
  title: () => "Stop this campaign?",
  text: (campaign) => {
    const subject = inTraining(campaign);
    const now = subject === null ? "Nothing is in training." : `${subject} ${verb(subject)} abandoned.`;
    const kept = campaign.trials_finished ? " Finished trials keep their rewards." : "";
    return `${now}${kept} ${isInFinals(campaign) ? "They can be run on later." : `It can be continued later${campaign.baseline_reward === null ? "." : ", or have finals."}`}`;
  },
  keep: (campaign) => (isPaused(campaign) ? "Keep it paused" : RESUMABLE.has(campaign.state) ? "Let it pause" : isRunning(campaign) ? "Keep it running" : "Let it begin"),
  confirm: () => "Stop it",
  send: ({ path, post }) => post(`${path}/stop`),
};

const archive = {
  name: "archive",
  label: ({ archived }) => archiving(archived).verb,
  isOffered: () => true,
  title: ({ archived }) => `${archiving(archived).verb} this campaign?`,
  text: ({ archived }) => archiving(archived).text,
  keep: ({ archived }) => (archived ? "Keep it archived" : "Keep it in the list"),
  confirm: ({ archived }) => archiving(archived).verb,
  send: ({ path, campaign }) => archiving(campaign.archived).send(path),
};

const erase = {
  name: "delete",
  label: () => DELETE.verb,
  isDangerous: true,
  isOffered: ({ state }) => DELETABLE.has(state),
  title: () => `${DELETE.verb} this campaign?`,
  text: () => DELETE.text,
  keep: () => "Keep it",
  confirm: () => DELETE.verb,
  send: ({ path }) => DELETE.send(path),
  leavesPage: true,
};

/** In the order of the buttons; those of MORE are in a menu. */
export const ACTIONS = [start, resume, retry, change, finals, pause, stop];
export const MORE = [archive, erase];
export { retry, stop };
