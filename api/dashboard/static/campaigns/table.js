// The table of campaigns; on a narrow screen each row is a card.

import { dateTime } from "../format.js";
import { link } from "../root.js";
import { html } from "../ui.js";
import { Best, Gain, LastEvent, Progress, State, task } from "./cells.js";
import { Spark } from "./spark.js";

/** The orders by column; `first` is the direction of the first click. */
const COLUMNS = [
  { name: "Campaign", order: "name", first: "" },
  { name: "State", order: "state", first: "" },
  { name: "Progress", order: "progress", first: "-" },
  { name: "Best AP", order: "best", first: "-", isNumber: true },
  { name: "Gain", order: "gain", first: "-", isNumber: true },
  { name: "Best so far" },
  { name: "Last event" },
  { name: "Started", order: "started", first: "-" },
];

function Header({ column, sort, onSort }) {
  const { name, order, first, isNumber } = column;
  if (!order) return html`<th scope="col">${name}</th>`;
  const isSorted = sort.replace("-", "") === order, isDescending = sort.startsWith("-");
  const next = isSorted ? `${isDescending ? "" : "-"}${order}` : `${first}${order}`;
  return html`<th scope="col" class=${isNumber ? "number" : ""} aria-sort=${isSorted ? (isDescending ? "descending" : "ascending") : undefined}>
    <button type="button" onClick=${() => onSort(next)}>${name}</button></th>`;
}

function Row({ campaign, isSelected, onSelect, onTag }) {
  const { id, name, tags, archived } = campaign;
  return html`<tr class=${isSelected ? "is-selected" : ""}>
    <td class="pick"><input type="checkbox" checked=${isSelected} aria-label="Select ${name}" onChange=${() => onSelect(campaign)} /></td>
    <td class="campaign-name"><a class="name" href=${link(`/campaigns/${encodeURIComponent(id)}`)}>${name}</a><small>${task(campaign)}${archived ? " · archived" : ""}</small>
      ${tags.length > 0 && html`<p class="tags">${tags.map((tag) => html`<button type="button" class="tag" key=${tag} title="Only campaigns with this tag" onClick=${() => onTag(tag)}>${tag}</button>`)}</p>`}</td>
    <td data-label="State"><${State} campaign=${campaign} /></td>
    <td data-label="Progress"><${Progress} campaign=${campaign} /></td>
    <td class="number" data-label="Best AP"><${Best} campaign=${campaign} /></td>
    <td class="number" data-label="Gain"><${Gain} campaign=${campaign} /></td>
    <td data-label="Best so far"><${Spark} values=${campaign.summary.best_so_far} baseline=${campaign.baseline_reward} /></td>
    <td data-label="Last event"><${LastEvent} summary=${campaign.summary} /></td>
    <td data-label="Started">${dateTime(campaign.started_at)}</td>
  </tr>`;
}

export function Table({ campaigns, selected, sort, isStale, onSort, onSelect, onTag }) {
  return html`<div class="card scroll" role="region" aria-label="Campaigns" tabindex="0" aria-busy=${isStale}>
    <table class="rows campaigns">
      <caption class="visually-hidden">Campaigns</caption>
      <thead><tr><th scope="col"><span class="visually-hidden">Selected</span></th>${COLUMNS.map((column) => html`<${Header} key=${column.name} column=${column} sort=${sort} onSort=${onSort} />`)}</tr></thead>
      <tbody>${campaigns.map((campaign) => html`<${Row} key=${campaign.id} campaign=${campaign} isSelected=${selected.has(campaign.id)} onSelect=${onSelect} onTag=${onTag} />`)}</tbody>
    </table>
  </div>`;
}

/** The same orders for narrow screens, where the table has no head. */
export function SortSelect({ sort, onSort }) {
  const orders = [["-created", "newest first"], ["created", "oldest first"], ...COLUMNS.filter(({ order }) => order)
    .flatMap(({ name, order, first }) => [[`${first}${order}`, name], [`${first ? "" : "-"}${order}`, `${name}, reversed`]])];
  return html`<label class="sort">Order <select value=${sort} onChange=${(event) => onSort(event.target.value)}>
    ${orders.map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`)}</select></label>`;
}
