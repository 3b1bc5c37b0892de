// The figures of campaigns and of trials that are shown side by side: `[label, text of a subject]`.

import { dateTime, decimal, difference, duration, millions, ofBudget, percent, signed, wallSeconds, withMinus } from "../format.js";
import { gainValue, marginText, seedsText, sureness, verdictText } from "../gain.js";
import { FINISHED, shownState } from "../states.js";
import { trainingSeconds } from "../time-left.js";
import { finalsFact } from "../trial/finals-fact.js";

const madds = (campaign, trial) => [millions(trial.madds), ofBudget(campaign, trial)].filter(Boolean).join(", ");
const first = ({ best }) => best.items[0] ?? null;

function campaignGain({ campaign, best: { gain }, search }) {
  if (!gain) return "–";
  if (gain.trial === 0) return FINISHED.has(campaign.state) ? "none" : "none yet";
  return `${gainValue(gain)}, ${sureness(gain, search)}, ${verdictText(gain)}`;
}

const change = (value, baseline) => (baseline && value !== baseline ? ` (${signed(100 * (value / baseline - 1), 0)} % against the baseline)` : "");

export const CAMPAIGN_ROWS = [
  ["State", ({ campaign }) => campaign.state],
  ["Trials", ({ campaign }) => `${campaign.trials_finished.toLocaleString("en")} of ${campaign.spec.trials.toLocaleString("en")}`],
  ["Best AP", ({ campaign, best: { gain } }) => decimal(gain?.reward ?? campaign.best_reward)],
  ["Baseline AP", ({ campaign, best: { gain } }) => decimal(gain?.baseline_reward ?? campaign.baseline_reward)],
  ["Measured by", ({ best: { gain } }) => (gain ? (gain.seeds === null ? "one reward each" : `finals, mean of ${seedsText(gain.seeds)}`) : "–")],
  ["Gain", campaignGain],
  ["Verdict", ({ best }) => withMinus(best.sentence ?? "–")],
  ["Best trial", (subject) => (first(subject) ? String(first(subject).number) : "–")],
  ["Its parameters", (subject) => (first(subject) ? `${millions(first(subject).params, 2)}${change(first(subject).params, subject.best.baseline?.params)}` : "–")],
  ["Its multi-adds", (subject) => (first(subject) ? madds(subject.campaign, first(subject)) : "–")],
  ["Search", ({ search, campaign }) => (campaign.trials_finished ? search.sentence : "–")],
  ["Device time", ({ campaign }) => (campaign.device_seconds ? duration(campaign.device_seconds) : "–")],
  ["Wall time", ({ campaign }) => duration(wallSeconds(campaign, Date.now()))],
  ["Started", ({ campaign }) => dateTime(campaign.started_at)],
];

const finals = ({ trial, report }) => report && finalsFact(trial, report);

export const TRIAL_ROWS = [
  ["State", ({ trial }) => shownState(trial)],
  ["AP", ({ trial }) => decimal(trial.reward)],
  ["Over its baseline", ({ trial, campaign }) => (trial.number === 0 ? "–" : difference(trial.reward, campaign.baseline_reward))],
  ["95\u00a0% margin of error", ({ trial, search }) => (trial.number === 0 || trial.reward === null ? "–" : marginText(search))],
  ["AP in the finals", (subject) => finals(subject)?.[0] ?? "–"],
  ["Verdict", (subject) => [subject.trial.number === 0 && "the uniform baseline", finals(subject)?.[1]].filter(Boolean).join(", ") || "not confirmed"],
  ["Parameters", ({ trial }) => millions(trial.params, 2)],
  ["Multi-adds", ({ campaign, trial }) => madds(campaign, trial)],
  ["Latency", ({ trial }) => (trial.latency_ms === null ? "–" : `${decimal(trial.latency_ms, 1)} ms, ${percent(trial.latency_ratio)} of the baseline's`)],
  ["Training time", ({ trial }) => duration(trainingSeconds(trial))],
  ["Attempts", ({ trial }) => String(trial.attempts)],
  ["Widths", ({ trial }) => trial.widths.join(", ")],
];

/** The COCO metrics that any of the trials has, beside the AP. */
export function metricRows(trials) {
  const known = trials.flatMap(({ trial }) => trial.coco_metrics ?? []).filter(({ name, value }) => name !== "ap" && value !== null);
  const titles = new Map(known.map(({ name, title }) => [name, title]));
  return [...titles].map(([name, title]) => [title, ({ trial }) => decimal(trial.coco_metrics?.find((metric) => metric.name === name)?.value)]);
}

/** The settings by their path, such as `proxy_task.steps`, as texts. */
function flat(value, path = "") {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return [[path, value === null ? "–" : typeof value === "string" ? value : JSON.stringify(value)]];
  return Object.entries(value).flatMap(([name, inner]) => flat(inner, path ? `${path}.${name}` : name));
}

/** `{ path, texts, differs }` of every setting; a path that a subject does not have is a dash there. */
export function settings(subjects) {
  const each = subjects.map(({ campaign }) => new Map(flat(campaign.spec)));
  const paths = [...new Set(each.flatMap((found) => [...found.keys()]))].filter((path) => path !== "name");
  return paths.map((path) => {
    const texts = each.map((found) => found.get(path) ?? "–");
    return { path, texts, differs: new Set(texts).size > 1 };
  });
}
