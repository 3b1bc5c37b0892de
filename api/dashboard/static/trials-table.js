// The table of trials: sorted and paged by the service, so it holds one page whatever the campaign's size.

import { byId, element, say, spark, statePill } from "./dom.js";
import { millions, percent, points, trainingSeconds } from "./format.js";
import { getJson } from "./http.js";

const PAGE = 20;

function note(trial) {
  if (trial.error) {
    const lines = trial.error.trim().split("\n");
    return element("span", { class: "error", title: trial.error }, lines[lines.length - 1]);
  }
  if (trial.reused_from !== null) return `same architecture as trial ${trial.reused_from}`;
  return trial.number === 0 ? "uniform baseline" : "";
}

function state(trial) {
  const pill = statePill(trial.state);
  if (trial.attempts > 1) pill.append(` · attempt ${trial.attempts}`);
  return pill;
}

function row(trial, best) {
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
    element("td", { class: "wrap" }, note(trial)));
}

/** Takes over the table; `refresh(best)` reads the page that is shown again. */
export function trialsTable(path) {
  let order = "-number", cursors = [null], best = null;
  const headers = [...document.querySelectorAll("[data-order]")];

  async function refresh(bestTrial = best) {
    best = bestTrial;
    const cursor = cursors[cursors.length - 1];
    const query = new URLSearchParams({ order_by: order, limit: String(PAGE), ...(cursor ? { cursor } : {}) });
    const page = await getJson(`${path}/trials?${query}`);
    byId("trial-rows").replaceChildren(...page.items.map((trial) => row(trial, best)));
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
