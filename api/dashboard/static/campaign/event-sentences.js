// The events of a campaign as sentences.

import { decimal } from "../format.js";
import { errorTitle, fieldTitle, stopReasonTitle } from "../titles.js";

const trial = ({ number }) => (number === 0 ? "Trial 0, the baseline," : `Trial ${number}`);
const final = (data) => `The final of trial ${data.trial} with seed ${data.seed}`;
const lastLine = (error) => error?.trim().split("\n").at(-1) ?? "";
const failure = ({ kind, error }) => `${kind ? `${errorTitle(kind)}: ` : ""}${lastLine(error)}`;
const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

const NOTED = { notes: "notes", tags: "tags", archived: "place in the archive" };
const listed = (names) => names.map((name) => NOTED[name] ?? name).join(" and ");

const SENTENCES = {
  "campaign.created": ({ draft }) => (draft ? "It was created as a draft." : "It was created."),
  "campaign.submitted": () => "The draft was started.",
  "campaign.updated": ({ changes }) => `Changed: ${Object.keys(changes ?? {}).map(fieldTitle).join(", ") || "no setting that affects the search"}.`,
  "campaign.annotated": ({ changes, by }) => `Its ${listed(Object.keys(changes ?? {})) || "notes"} changed${by ? ` (${by})` : ""}.`,
  "campaign.claimed": ({ owner }) => `A runner has claimed it${owner ? ` (${owner})` : ""}.`,
  "campaign.identified": ({ sha256 }) => `Its data are identified${sha256 ? `: ${sha256.slice(0, 12)}` : ""}.`,
  "campaign.waiting": (data) => `Waiting: ${data.for}`,
  "campaign.pausing": ({ mode }) => (mode === "abort" ? "A pause was requested; what trains is abandoned." : "A pause was requested; what trains is finished first."),
  "campaign.paused": () => "It is paused.",
  "campaign.resumed": () => "It was resumed.",
  "campaign.retried": ({ trials }) => `It was retried${trials?.length ? `; ${count(trials.length, "trial")} run again` : ""}.`,
  "campaign.continued": ({ trials }) => `It continues with more trials${trials?.length ? `; ${count(trials.length, "trial")} run again` : ""}.`,
  "campaign.stopping": () => "A stop was requested.",
  "campaign.completed": ({ because }) => `It is completed${because ? `: ${stopReasonTitle(because)}` : ""}.`,
  "campaign.stopped": () => "It is stopped.",
  "campaign.failed": (data) => `It has failed: ${failure(data)}`,
  "shared-training.started": ({ attempt, steps }) => `Training of the shared weights started (attempt ${attempt}, ${steps.toLocaleString("en")} steps).`,
  "shared-training.completed": ({ is_reused: isReused }) => (isReused ? "The shared weights had been trained before." : "The shared weights are trained."),
  "shared-training.failed": (data) => `The training of the shared weights has failed: ${failure(data)}`,
  "shared-training.abandoned": () => "The training of the shared weights was abandoned.",
  "finals.started": ({ finalists, seeds }) => `Finals begin: ${count(finalists?.length ?? 0, "candidate")}, ${count(seeds?.length ?? 0, "seed")}.`,
  "finals.identified": () => "The data of the finals are identified.",
  "finals.completed": ({ winner }) => (winner === null || winner === undefined ? "The finals are completed; no winner is confirmed." : `The finals are completed; trial ${winner} is the confirmed winner.`),
  "final.begun": (data) => `${final(data)} begins.`,
  "final.completed": (data) => `${final(data)} has the reward ${decimal(data.reward)}.`,
  "final.failed": (data) => `${final(data)} has failed: ${failure(data)}`,
  "final.abandoned": (data) => `${final(data)} was abandoned.`,
  "search.plateau": (data) => `The search is on a plateau: no better reward in ${count(data.trials_since_best, "trial")}.`,
  "trial.begun": (data) => `${trial(data)} begins${data.reused_from === null || data.reused_from === undefined ? "" : `, the same architecture as trial ${data.reused_from}`}.`,
  "trial.completed": (data) => `${trial(data)} has the reward ${decimal(data.reward)}${data.stopped_early ? `, stopped early at step ${data.stopped_early.step}` : ""}.`,
  "trial.failed": (data) => `${trial(data)} was given up: ${failure(data)}`,
  "trial.stopped": (data) => `${trial(data)} was stopped without an outcome.`,
  "attempt.started": (data) => `Attempt ${data.attempt} at trial ${data.number} begins.`,
  "attempt.failed": (data) => `Attempt ${data.attempt} at trial ${data.number} has failed: ${failure(data)}`,
  "attempt.abandoned": (data) => `Attempt ${data.attempt} at trial ${data.number} was abandoned.`,
  "attempt.late": (data) => `Attempt ${data.attempt} at trial ${data.number} finished after another one.`,
};

/** The sentence of an event; of a kind that this version does not know, its name. */
export const sentence = ({ kind, data }) => SENTENCES[kind]?.(data) ?? kind;

const TITLES = {
  "campaign.submitted": "draft started",
  "campaign.updated": "settings changed",
  "campaign.annotated": "notes or tags changed",
  "campaign.claimed": "runner started",
  "campaign.identified": "data identified",
  "campaign.stopping": "stop requested",
  "campaign.pausing": "pause requested",
  "finals.identified": "data of the finals identified",
  "search.plateau": "plateau reached",
  "attempt.late": "attempt ended after another",
};

/** What happened, in a few words. */
export const eventTitle = (kind) => TITLES[kind] ?? kind.replaceAll(/[.-]/g, " ");

const FAILURES = /\.failed$/;
/** What the log can show: by name, whether an event belongs to it. */
export const FILTERS = {
  all: () => true,
  campaign: ({ kind }) => kind.startsWith("campaign.") || kind.startsWith("shared-training.") || kind.startsWith("search."),
  rewards: ({ kind }) => kind === "trial.completed" || kind === "final.completed",
  failures: ({ kind }) => FAILURES.test(kind),
  finals: ({ kind }) => kind.startsWith("final"),
};
