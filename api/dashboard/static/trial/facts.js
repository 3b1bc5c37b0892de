// The reward of a trial, its costs and its times, beside the baseline's.

import { dateTime, decimal, difference, duration, millions, ofBudget, percent, secondsBetween } from "../format.js";
import { marginText } from "../gain.js";
import { trainingSeconds } from "../time-left.js";
import { html } from "../ui.js";
import { finalsFact } from "./finals-fact.js";

/** `report` is the document of the finals, `search` the figure; null until they are read, and where there are none. */
export function Facts({ campaign, trial, baseline, report, search }) {
  const finals = report && finalsFact(trial, report);
  const facts = [
    ...(finals ? [["AP in the finals", ...finals]] : []),
    [finals ? "AP in the search" : "AP", trial.state === "failed" ? "–" : decimal(trial.reward), apNote(trial, baseline, search, !finals)],
    ["Multi-adds", millions(trial.madds, 1), ofBudget(campaign, trial)],
    ["Parameters", millions(trial.params, 2), baseline && `baseline ${millions(baseline.params, 2)}`],
    ...(campaign.spec.latency ? [["Latency", trial.latency_ms === null ? "–" : `${trial.latency_ms.toFixed(1)} ms`, latencyNote(trial)]] : []),
    ["Training", exactDuration(trainingSeconds(trial)), times(trial)],
  ];
  return html`<dl class="headline trial-facts">
    ${facts.map(([name, value, note]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd><dd class="muted">${note}</dd></div>`)}
  </dl>`;
}

/** With a decimal below a minute: scoring a slice takes less than a second. */
function exactDuration(seconds) {
  return seconds === null || seconds >= 60 ? duration(seconds) : `${seconds.toFixed(1)} s`;
}

function apNote(trial, baseline, search, isAll) {
  if (trial.state === "failed") return `given up, counts as ${trial.reward}`;
  if (trial.reward === null) {
    if (trial.state !== "running") return "no outcome";
    if (trial.reused_from !== null) return `waits for trial ${trial.reused_from}`;
    if (trial.worker_started_at === null) return "queued, no worker has begun it";
    return trial.progress_total ? `step ${trial.progress_step} of ${trial.progress_total}` : "running";
  }
  if (!baseline || baseline.reward === null) return "";
  return `${difference(trial.reward, baseline.reward)} against the baseline, 95\u00a0% margin of error ${marginText(search)}${isAll ? ", not confirmed" : ""}`;
}

function latencyNote({ latency_ratio: ratio }) {
  return ratio === null ? "not measured" : `${percent(ratio)} of the baseline's`;
}

function times({ started_at: started, worker_started_at: begun, finished_at: finished }) {
  const waited = secondsBetween(started, begun);
  return [`proposed ${dateTime(started)}`, waited !== null && waited >= 1 && `waited ${duration(waited)}`, finished && `ended ${dateTime(finished)}`].filter(Boolean).join(", ");
}
