// The health of a campaign in one strip: a word for all of it, and the figures behind.

import { dateTime, percent } from "../format.js";
import { CLAIMABLE, FINISHED } from "../states.js";
import { html } from "../ui.js";
import { trialsAnHour } from "./health.js";

const count = (number) => (number === null || number === undefined ? "–" : number.toLocaleString("en"));
const clock = (at) => at.toLocaleTimeString("en-GB");

/** `newest` is the newest event, null before it has been read; `checkedAt` is when the campaign was last read. */
export function HealthStrip({ campaign, health, counts, recent, search, supervisors, newest, checkedAt, isStale }) {
  const isFinished = FINISHED.has(campaign.state);
  const rate = trialsAnHour(campaign, recent);
  const entries = [
    ...(isFinished ? [] : [["Supervisors", supervisorsText(campaign, supervisors)]]),
    [isFinished ? "Trials an hour, mean" : "Trials an hour", rate === null ? "–" : count(Math.round(rate))],
    ...(isFinished ? [] : [["Running", count(counts?.running)], ["Queued", count(counts?.queued)]]),
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

function supervisorsText(campaign, supervisors) {
  if (supervisors === null) return "–";
  const alive = supervisors.filter(({ is_alive: isAlive }) => isAlive);
  if (!alive.length) return CLAIMABLE.has(campaign.state) ? "none, none runs it" : "none";
  return alive.length === 1 ? `1, on ${alive[0].host}` : `${alive.length}`;
}
