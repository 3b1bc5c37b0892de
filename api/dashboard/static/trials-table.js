// The table of trials: one page, sorted and paginated by the service.

import { errorNote, logButton } from "./attempts.js";
import { byId, element, setText, spark, statePill } from "./dom.js";
import { millions, percent, decimal } from "./format.js";
import { getJson } from "./http.js";
import { trainingSeconds } from "./time-left.js";

const PAGE_SIZE = 20;

function note(trial) {
  if (trial.error) return errorNote(trial);
  if (trial.reused_from !== null) return `same architecture as trial ${trial.reused_from}`;
  if (trial.stopped_early_step !== null) return `stopped early at step ${trial.stopped_early_step}`;
  return trial.number === 0 ? "uniform baseline" : "";
}

/** Milliseconds, and the ratio to the baseline. */
function latency({ latency_ms: ms, latency_ratio: ratio }) {
  return ms === null ? "–" : `${ms.toFixed(1)} ms, ${percent(ratio)}`;
}

function stateLabel(trial) {
  const pill = statePill(trial.state);
  if (trial.attempts > 1) pill.append(` · attempt ${trial.attempts}`);
  return pill;
}

async function attemptsAt(path, number) {
  const { attempts_made: attempts } = await getJson(`${path}/trials/${number}`);
  return attempts.map((attempt) => ({ ...attempt, title: `Attempt ${attempt.number}` }));
}

/** The note, and after a failed attempt a button that opens the list of attempts with their log tails. */
function noteCell(trial, path) {
  const cell = element("td", { class: "wrap" }, note(trial));
  if (trial.attempts > 1 || (trial.error && trial.attempts > 0)) {
    cell.append(" ", logButton(`Attempts at trial ${trial.number}`, () => attemptsAt(path, trial.number)));
  }
  return cell;
}

function row(trial, best, path, hasLatency) {
  const seconds = trainingSeconds(trial);
  return element("tr", trial.number === best ? { class: "is-best" } : {},
    element("td", { class: "number" }, trial.number),
    element("td", {}, stateLabel(trial)),
    element("td", { class: "number" }, decimal(trial.reward)),
    element("td", {}, spark(trial.widths)),
    element("td", { class: "number" }, millions(trial.madds, 1)),
    element("td", { class: "number" }, percent(trial.madds_ratio)),
    element("td", { class: "number" }, millions(trial.params, 2)),
    ...(hasLatency ? [element("td", { class: "number" }, latency(trial))] : []),
    element("td", { class: "number" }, seconds === null ? "–" : seconds.toFixed(1)),
    noteCell(trial, path));
}

/** Makes the table interactive; returns `refresh(best, hasLatency)`, which reloads its current page. */
export function trialsTable(path) {
  let order = "-number", cursors = [null], best = null, hasLatency = false;
  const headers = [...document.querySelectorAll("[data-order]")];

  async function refresh(bestTrial = best, isMeasured = hasLatency) {
    [best, hasLatency] = [bestTrial, isMeasured];
    const cursor = cursors[cursors.length - 1];
    const query = new URLSearchParams({ order_by: order, limit: String(PAGE_SIZE), ...(cursor ? { cursor } : {}) });
    const page = await getJson(`${path}/trials?${query}`);
    byId("trial-rows").replaceChildren(...page.items.map((trial) => row(trial, best, path, hasLatency)));
    byId("newer").disabled = cursors.length === 1;
    byId("older").disabled = page.next_cursor === null;
    byId("older").dataset.cursor = page.next_cursor ?? "";
    setText("pages", cursors.length > 1 || page.next_cursor ? `Page ${cursors.length}` : "");
  }

  function sortBy(column) {
    const descending = `-${column}`;
    order = order === descending ? column : descending;
    cursors = [null];
    for (const header of headers) {
      if (header.dataset.order === column) header.setAttribute("aria-sort", order === descending ? "descending" : "ascending");
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
