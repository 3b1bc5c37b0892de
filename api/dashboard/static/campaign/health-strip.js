// The health of a campaign in one strip: a word for all of it, and the figures behind.

import { dateTime, percent } from "../format.js";
import { FINISHED } from "../states.js";
import { html } from "../ui.js";
import { trialsAnHour } from "./health.js";

const count = (number) => (number === null || number === undefined ? "–" : number.toLocaleString("en"));
const clock = (at) => at.toLocaleTimeString("en-GB");

/**
 * `newest` is the newest event, null before it has been read; `checkedAt` is when the campaign was last read, and `runs` are
 * the trainings of finals that run.
 */
export function HealthStrip({ campaign, health, counts, runs, recent, search, supervisors, newest, checkedAt, isStale }) {
  const isFinished = FINISHED.has(campaign.state);
  const now = runs ? countsOf(runs) : counts;
  const rate = trialsAnHour(campaign, recent);
  const entries = [
    ...(isFinished ? [] : [["Supervisors", supervisorsText(supervisors)]]),
    [isFinished ? "Trials an hour, search" : "Trials an hour", rate === null ? "–" : count(Math.round(rate))],
    ...(isFinished ? [] : [["Running", count(now?.running)], ["Queued", count(now?.queued)]]),
    ["Failed", count(counts?.failed), counts?.failed ? "bad" : null],
    ["Repeats lately", search && campaign.trials_finished ? percent(search.repeats_lately, 0) : "–", search?.has_collapsed ? "warn" : null],
    ["Last event", newest ? dateTime(newest.at) : "–"],
    ["Checked at", checkedAt ? clock(checkedAt) : "–"],
  ];
  return html`<section class="card health" aria-label="Health">
    <p class="verdict" role="status" data-level=${isStale ? "none" : health.level}><strong>${isStale ? "Unknown" : health.word}</strong>
      <span class="muted">${isStale ? "the service does not respond" : health.why}</span></p>
    <dl>${entries.map(([name, value, level]) => html`<div key=${name} data-level=${level}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
  </section>`;
}

function countsOf(runs) {
  const running = runs.filter(({ state }) => state === "running");
  const queued = running.filter(({ worker_started_at: at }) => at === null).length;
  return { running: running.length - queued, queued };
}

function supervisorsText(supervisors) {
  if (supervisors === null) return "–";
  const alive = supervisors.filter(({ is_alive: isAlive }) => isAlive);
  if (!alive.length) return "none";
  return alive.length === 1 ? `1, on ${alive[0].host}` : `${alive.length}`;
}
