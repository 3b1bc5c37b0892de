// The table of trials: one page of them, sorted and paged by the service.

import { byId, element, say, spark, statePill } from "./dom.js";
import { millions, percent, points } from "./format.js";
import { getJson } from "./http.js";
import { trainingSeconds } from "./time-left.js";

const PAGE = 20;
const MAX_MESSAGE_LENGTH = 110;

/** The name of the error and its last line, truncated; the dialog shows all of it. */
function failure(trial) {
  const kind = trial.error_kind, lines = trial.error.trim().split("\n");
  let text = lines[lines.length - 1];
  const again = kind ? `${kind.replaceAll("-", " ")}: ` : "";
  if (again && text.startsWith(again)) text = text.slice(again.length);
  if (text.length > MAX_MESSAGE_LENGTH) text = `${text.slice(0, MAX_MESSAGE_LENGTH)}…`;
  return element("span", { class: "error", title: trial.error }, ...(kind ? [element("strong", {}, kind), ": "] : []), text);
}

function note(trial) {
  if (trial.error) return failure(trial);
  if (trial.reused_from !== null) return `same architecture as trial ${trial.reused_from}`;
  if (trial.stopped_early_step !== null) return `stopped early at step ${trial.stopped_early_step}`;
  return trial.number === 0 ? "uniform baseline" : "";
}

function state(trial) {
  const pill = statePill(trial.state);
  if (trial.attempts > 1) pill.append(` · attempt ${trial.attempts}`);
  return pill;
}

function attempt(made) {
  const heading = element("h3", {}, `Attempt ${made.number} `, statePill(made.state));
  if (made.error_kind) heading.append(` ${made.error_kind}`);
  const parts = [heading];
  if (made.error) parts.push(element("p", { class: "error" }, made.error));
  if (made.log_tail) parts.push(element("pre", { tabindex: "0", "aria-label": `End of the worker's log, attempt ${made.number}` }, made.log_tail));
  else if (made.state === "failed") parts.push(element("p", { class: "quiet" }, "The worker wrote nothing."));
  return element("section", {}, ...parts);
}

async function showAttempts(path, number) {
  say("attempts-title", `Attempts at trial ${number}`);
  byId("attempts").replaceChildren(element("p", { class: "quiet" }, "Reading…"));
  byId("attempts-dialog").showModal();
  try {
    const { attempts_made: made } = await getJson(`${path}/trials/${number}`);
    byId("attempts").replaceChildren(...made.map(attempt));
    for (const log of byId("attempts").querySelectorAll("pre")) log.scrollTop = log.scrollHeight;
  } catch (error) {
    byId("attempts").replaceChildren(element("p", { class: "error" }, error.message));
  }
}

/** The note, and after a failed attempt a button that opens the list of attempts with their log tails. */
function noteCell(trial, path) {
  const cell = element("td", { class: "wrap" }, note(trial));
  if (trial.attempts > 1 || (trial.error && trial.attempts > 0)) {
    const button = element("button", { type: "button", class: "plain", "aria-label": `Attempts at trial ${trial.number}` }, "Log");
    button.addEventListener("click", () => showAttempts(path, trial.number));
    cell.append(" ", button);
  }
  return cell;
}

function row(trial, best, path) {
  const seconds = trainingSeconds(trial);
  return element("tr", trial.number === best ? { class: "is-best" } : {},
    element("td", { class: "figure" }, trial.number),
    element("td", {}, state(trial)),
    element("td", { class: "figure" }, points(trial.reward)),
    element("td", {}, spark(trial.widths)),
    element("td", { class: "figure" }, millions(trial.madds, 1)),
    element("td", { class: "figure" }, percent(trial.madds_ratio)),
    element("td", { class: "figure" }, millions(trial.params, 2)),
    element("td", { class: "figure" }, seconds === null ? "–" : seconds.toFixed(1)),
    noteCell(trial, path));
}

/** Makes the table interactive; returns `refresh(best)`, which loads its current page again. */
export function trialsTable(path) {
  let order = "-number", cursors = [null], best = null;
  const headers = [...document.querySelectorAll("[data-order]")];

  async function refresh(bestTrial = best) {
    best = bestTrial;
    const cursor = cursors[cursors.length - 1];
    const query = new URLSearchParams({ order_by: order, limit: String(PAGE), ...(cursor ? { cursor } : {}) });
    const page = await getJson(`${path}/trials?${query}`);
    byId("trial-rows").replaceChildren(...page.items.map((trial) => row(trial, best, path)));
    byId("newer").disabled = cursors.length === 1;
    byId("older").disabled = page.next_cursor === null;
    byId("older").dataset.cursor = page.next_cursor ?? "";
    say("pages", cursors.length > 1 || page.next_cursor ? `Page ${cursors.length}` : "");
  }

  function sortBy(column) {
    const falling = `-${column}`;
    order = order === falling ? column : falling;
    cursors = [null];
    for (const header of headers) {
      if (header.dataset.order === column) header.setAttribute("aria-sort", order === falling ? "descending" : "ascending");
      else header.removeAttribute("aria-sort");
    }
  }

  for (const header of headers) {
    header.firstElementChild.addEventListener("click", () => { sortBy(header.dataset.order); refresh(); });
  }
  byId("older").addEventListener("click", () => { cursors.push(byId("older").dataset.cursor); refresh(); });
  byId("newer").addEventListener("click", () => { cursors.pop(); refresh(); });
  headers[0].setAttribute("aria-sort", "descending");
  return refresh;
}
