// The reward of a trial, its costs and its times, beside the baseline's.

import { dateTime, decimal, duration, millions, percent, secondsBetween, signed } from "../format.js";
import { trainingSeconds } from "../time-left.js";
import { html } from "../ui.js";

export function Facts({ campaign, trial, baseline }) {
  const facts = [
    ["AP", trial.state === "failed" ? "–" : decimal(trial.reward), apNote(trial, baseline)],
    ["Multi-adds", millions(trial.madds, 1), `${percent(trial.madds_ratio)} of the budget`],
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

function apNote(trial, baseline) {
  if (trial.state === "failed") return `given up, counts as ${trial.reward}`;
  if (trial.reward === null) {
    if (trial.state !== "running") return "no outcome";
    if (trial.reused_from !== null) return `waits for trial ${trial.reused_from}`;
    if (trial.worker_started_at === null) return "queued, no worker has begun it";
    return trial.progress_total ? `step ${trial.progress_step} of ${trial.progress_total}` : "starting";
  }
  return baseline?.reward === null || !baseline ? "" : `${signed(trial.reward - baseline.reward)} against the baseline, from one reward each`;
}

function latencyNote({ latency_ratio: ratio }) {
  return ratio === null ? "not measured" : `${percent(ratio)} of the baseline's`;
}

function times({ started_at: started, worker_started_at: begun, finished_at: finished }) {
  const waited = secondsBetween(started, begun);
  return [`proposed ${dateTime(started)}`, waited !== null && waited >= 1 && `waited ${duration(waited)}`, finished && `ended ${dateTime(finished)}`].filter(Boolean).join(", ");
}
