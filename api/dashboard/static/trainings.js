// The list of trainings, refreshed every few seconds.

import { byId, element, setText, statePill } from "./dom.js";
import { dateTime, decimal, duration } from "./format.js";
import { DisconnectedError, getJson } from "./http.js";
import { link } from "./root.js";

const REFRESH_MS = 3000;
const PAGE_SIZE = 50;
let shown = PAGE_SIZE;

function row(training) {
  const { progress } = training;
  const about = `${training.dataset} · ${training.recipe} · seed ${training.seed}`;
  return element("tr", {},
    element("td", { class: "campaign-name" }, element("a", { class: "name", href: link(`/trainings/${encodeURIComponent(training.id)}`) }, training.name), element("small", {}, about)),
    element("td", {}, statePill(training.state)),
    element("td", {}, ...(progress === null ? ["–"] : [element("div", { class: "trial-progress" },
      element("progress", { max: progress.steps, value: progress.step, "aria-label": "Steps done" }),
      element("span", {}, `${progress.step.toLocaleString("en")} / ${progress.steps.toLocaleString("en")}`))])),
    element("td", { class: "number" }, decimal(progress?.best)),
    element("td", { class: "number optional" }, duration(training.device_seconds)),
    element("td", { class: "number optional" }, dateTime(training.started_at)));
}

async function read() {
  const items = [];
  let cursor = null;
  do {
    const query = new URLSearchParams({ limit: String(Math.min(PAGE_SIZE, shown - items.length)), ...(cursor ? { cursor } : {}) });
    const page = await getJson(`/v1/trainings?${query}`);
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor && items.length < shown);
  return { items, hasMore: Boolean(cursor) };
}

async function refresh() {
  try {
    const { items, hasMore } = await read();
    byId("trainings").replaceChildren(...items.map(row));
    byId("list").hidden = items.length === 0;
    byId("empty").hidden = items.length > 0;
    byId("more").hidden = !hasMore;
    byId("error").hidden = true;
    const queued = items.filter(({ state }) => state === "queued").length;
    setText("summary", items.length ? `${queued} queued, ${items.length}${hasMore ? "+" : ""} in total` : "");
  } catch (error) {
    if (error instanceof DisconnectedError) return; // the page says so already
    byId("error").hidden = false;
    setText("error", `The list could not be updated: ${error.message}. Retrying.`);
  }
}

async function refreshLoop() {
  if (!document.hidden) await refresh();
  setTimeout(refreshLoop, REFRESH_MS);
}

byId("show-older").addEventListener("click", () => { shown += PAGE_SIZE; refresh(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
refreshLoop();
