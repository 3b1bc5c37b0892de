// The table of trials: one page, sorted, filtered and counted by the service.

import { decimal, millions, percent } from "../format.js";
import { Pager } from "../pager.js";
import { link } from "../root.js";
import { shownState } from "../states.js";
import { trainingSeconds } from "../time-left.js";
import { html, useRef, useState } from "../ui.js";
import { ErrorNote } from "./error-note.js";
import { Spark } from "./spark.js";
import { useVersioned } from "./versions.js";

const PAGE_SIZE = 20;

const FILTERS = { running: "running or queued" };
const NONE = {
  running: "No trial is running or queued.",
  completed: "No trial has completed.",
  failed: "No trial has failed.",
  stopped: "No trial was stopped.",
};

const number = (heading, text, others) => ({ heading, text, isNumber: true, ...others });
const COLUMNS = [
  number("AP", ({ reward }) => decimal(reward), { order: "reward" }),
  { heading: "Widths, blocks 1 to 18", text: ({ widths }) => html`<${Spark} values=${widths} />` },
  number("Multi-adds", ({ madds }) => millions(madds, 1), { order: "madds", isOptional: true }),
  number("Of budget", ({ madds_ratio: ratio }) => percent(ratio), { isOptional: true, isBudget: true }),
  number("Params", ({ params }) => millions(params, 2), { order: "params" }),
  number("Latency", latencyText, { order: "latency_ratio", isLatency: true }),
  number("Seconds", (trial) => { const seconds = trainingSeconds(trial); return seconds === null ? "–" : seconds.toFixed(1); }, { isOptional: true }),
  { heading: "Note", text: (trial) => html`<${Note} trial=${trial} />`, isWrapped: true },
];

/** `version` is that of the campaign, `counts` the numbers of trials by state (null until read), `best` the marked trial. */
export function TrialsTable({ campaign, page, version, counts, best, onTrial }) {
  const [shown, setShown] = useState({ order: "-number", state: "", page: 0 });
  const query = new URLSearchParams({ order_by: shown.order, limit: PAGE_SIZE, skip: PAGE_SIZE * shown.page, ...(shown.state && { state: shown.state }) });
  const found = useVersioned(`${page.path}/trials?${query}`, version);
  const kept = useRef(null); // stays while another page is read
  if (found.data) kept.current = found.data.items;
  const trials = kept.current ?? [];
  const total = shown.state ? numberIn(counts, shown.state) : campaign.trials_begun;
  const pages = Math.max(1, Math.ceil(total / PAGE_SIZE));
  const isExact = campaign.spec.search_space.mode === "exact"; // then all trials have the budget's multi-adds
  const columns = COLUMNS.filter(({ isLatency, isBudget }) => (!isLatency || campaign.spec.latency) && (!isBudget || !isExact));
  const sortBy = (order) => setShown({ ...shown, page: 0, order: shown.order === `-${order}` ? order : `-${order}` });
  return html`<section class="card scroll" aria-labelledby="trials-title" tabindex="0" aria-busy=${found.data === null}>
    <div class="table-head">
      <h2 id="trials-title">Trials</h2>
      <label class="muted">Show <select value=${shown.state} onChange=${(event) => setShown({ ...shown, page: 0, state: event.currentTarget.value })}>
        <option value="">all ${campaign.trials_begun.toLocaleString("en")}</option>
        ${page.trialStates.map((state) => html`<option key=${state} value=${state}>${FILTERS[state] ?? state}${counts && ` (${numberIn(counts, state).toLocaleString("en")})`}</option>`)}
      </select></label>
      <${Pager} page=${shown.page + 1} pages=${pages} onPage=${(chosen) => setShown({ ...shown, page: chosen - 1 })} />
    </div>
    ${found.error && html`<p class="banner" role="alert">${found.error.message}</p>`}
    <table class="rows trials">
      <caption class="visually-hidden">Trials of this campaign</caption>
      <thead><tr>
        <${Heading} heading="Trial" order="number" isNumber shown=${shown.order} onSort=${sortBy} />
        <th scope="col">State</th>
        ${columns.map((column) => html`<${Heading} key=${column.heading} ...${column} shown=${shown.order} onSort=${sortBy} />`)}
        <th scope="col"><span class="visually-hidden">Page of the trial</span></th>
      </tr></thead>
      <tbody>${trials.map((trial) => html`<${Row} key=${trial.number} trial=${trial} columns=${columns} page=${page} isBest=${trial.number === best} onTrial=${onTrial} />`)}</tbody>
    </table>
    ${found.data && !trials.length && html`<p class="empty-rows muted">${shown.state ? NONE[shown.state] : "No trial has begun."}</p>`}
  </section>`;
}

const numberIn = (counts, state) => (counts === null ? 0 : state === "running" ? counts.running + counts.queued : counts[state]);

function Heading({ heading, order, isNumber, isOptional, shown, onSort }) {
  const kind = [isNumber && "number", isOptional && "optional"].filter(Boolean).join(" ");
  if (!order) return html`<th scope="col" class=${kind}>${heading}</th>`;
  const sort = shown === order ? "ascending" : shown === `-${order}` ? "descending" : null;
  return html`<th scope="col" class=${kind} data-order=${order} aria-sort=${sort}><button type="button" onClick=${() => onSort(order)}>${heading}</button></th>`;
}

/** A click anywhere in the row opens the trial, unless it is on a link or selects text. */
function Row({ trial, columns, page, isBest, onTrial }) {
  const onClick = (event) => {
    if (!event.target.closest("a, button") && String(getSelection()) === "") onTrial(trial.number);
  };
  return html`<tr class=${`opens ${isBest ? "is-best" : ""}`} onClick=${onClick}>
    <td class="number"><button type="button" class="as-link" aria-label=${`Trial ${trial.number}`} onClick=${() => onTrial(trial.number)}>${trial.number}</button></td>
    <td><span class="state" data-state=${trial.state}>${shownState(trial)}${trial.attempts > 1 && ` · attempt ${trial.attempts}`}</span></td>
    ${columns.map(({ heading, text, isNumber, isOptional, isWrapped }) => html`<td key=${heading} class=${[isNumber && "number", isOptional && "optional", isWrapped && "wrap"].filter(Boolean).join(" ")}>${text(trial)}</td>`)}
    <td><a href=${link(`/campaigns/${encodeURIComponent(page.id)}/trials/${trial.number}`)} aria-label=${`Page of trial ${trial.number}`}>Page</a></td>
  </tr>`;
}

function Note({ trial }) {
  if (trial.error) return html`<${ErrorNote} failed=${trial} />`;
  if (trial.reused_from !== null) return `same architecture as trial ${trial.reused_from}`;
  if (trial.stopped_early_step !== null) return `stopped early at step ${trial.stopped_early_step}`;
  return trial.number === 0 ? "uniform baseline" : "";
}

/** Milliseconds, and the ratio to the baseline. */
function latencyText({ latency_ms: ms, latency_ratio: ratio }) {
  return ms === null ? "–" : `${ms.toFixed(1)} ms, ${percent(ratio)}`;
}
