// The list of campaigns, refreshed every few seconds.

import { byId, element, setText, statePill } from "./dom.js";
import { dateTime, decimal, signed } from "./format.js";
import { getJson } from "./http.js";
import { link } from "./root.js";
import { showWaiting } from "./waiting.js";

const REFRESH_MS = 3000;
const PAGE_SIZE = 50;
let shown = PAGE_SIZE;

function row(campaign) {
  const { spec } = campaign;
  const task = spec.proxy_task.profile === "synthetic" ? "synthetic reward" : `${spec.dataset} · ${spec.proxy_task.profile}`;
  const gain = campaign.best_reward === null || campaign.baseline_reward === null ? null : campaign.best_reward - campaign.baseline_reward;
  return element("tr", {},
    element("td", { class: "campaign-name" }, element("a", { class: "name", href: link(`/campaigns/${encodeURIComponent(campaign.id)}`) }, campaign.name), element("small", {}, task)),
    element("td", {}, statePill(campaign.state)),
    element("td", {}, element("div", { class: "trial-progress" },
      element("progress", { max: spec.trials, value: campaign.trials_finished, "aria-label": "Trials finished" }),
      element("span", {}, `${campaign.trials_finished} / ${spec.trials}`))),
    element("td", { class: "number" }, decimal(campaign.best_reward)),
    element("td", { class: "number optional" }, decimal(campaign.baseline_reward)),
    element("td", { class: "number" }, signed(gain)),
    element("td", { class: "number optional" }, dateTime(campaign.started_at)));
}

async function read() {
  const items = [];
  let cursor = null;
  do {
    const query = new URLSearchParams({ limit: String(Math.min(PAGE_SIZE, shown - items.length)), ...(cursor ? { cursor } : {}) });
    const page = await getJson(`/v1/campaigns?${query}`);
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor && items.length < shown);
  return { items, hasMore: Boolean(cursor) };
}

async function refresh() {
  try {
    const { items, hasMore } = await read();
    byId("campaigns").replaceChildren(...items.map(row));
    byId("list").hidden = items.length === 0;
    byId("empty").hidden = items.length > 0;
    byId("more").hidden = !hasMore;
    await showWaiting(items);
    byId("error").hidden = true;
    const running = items.filter((campaign) => campaign.state === "running").length;
    setText("summary", items.length ? `${running} running, ${items.length}${hasMore ? "+" : ""} in total` : "");
    document.title = `${running ? `(${running}) ` : ""}Campaigns – effspine`;
  } catch (error) {
    byId("error").hidden = false;
    setText("error", `The service does not respond (${error.message}); retrying.`);
  }
}

async function refreshLoop() {
  if (!document.hidden) await refresh();
  setTimeout(refreshLoop, REFRESH_MS);
}

byId("show-older").addEventListener("click", () => { shown += PAGE_SIZE; refresh(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
refreshLoop();
