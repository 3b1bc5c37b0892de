// The list of campaigns, refreshed every few seconds.

import { byId, element, say, statePill } from "./dom.js";
import { moment, points, signed } from "./format.js";
import { getJson } from "./http.js";
import { link } from "./root.js";
import { showWaiting } from "./waiting.js";

const REFRESH_MS = 3000;
const PAGE = 50;
let shown = PAGE;

function row(campaign) {
  const { spec } = campaign;
  const about = spec.proxy_task.profile === "synthetic" ? "synthetic reward" : `${spec.dataset} · ${spec.proxy_task.profile}`;
  const gain = campaign.best_reward === null || campaign.baseline_reward === null ? null : campaign.best_reward - campaign.baseline_reward;
  return element("tr", {},
    element("td", { class: "called" }, element("a", { class: "name", href: link(`/campaigns/${encodeURIComponent(campaign.id)}`) }, campaign.name), element("small", {}, about)),
    element("td", {}, statePill(campaign.state)),
    element("td", {}, element("div", { class: "done" },
      element("progress", { max: spec.trials, value: campaign.trials_finished, "aria-label": "Trials finished" }),
      element("span", {}, `${campaign.trials_finished} / ${spec.trials}`))),
    element("td", { class: "figure" }, points(campaign.best_reward)),
    element("td", { class: "figure spare" }, points(campaign.baseline_reward)),
    element("td", { class: "figure" }, signed(gain)),
    element("td", { class: "figure spare" }, moment(campaign.started_at)));
}

async function read() {
  const items = [];
  let cursor = null;
  do {
    const query = new URLSearchParams({ limit: String(Math.min(PAGE, shown - items.length)), ...(cursor ? { cursor } : {}) });
    const page = await getJson(`/v1/campaigns?${query}`);
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor && items.length < shown);
  return { items, more: Boolean(cursor) };
}

async function refresh() {
  try {
    const { items, more } = await read();
    byId("campaigns").replaceChildren(...items.map(row));
    byId("list").hidden = items.length === 0;
    byId("empty").hidden = items.length > 0;
    byId("more").hidden = !more;
    await showWaiting(items);
    byId("trouble").hidden = true;
    const running = items.filter((campaign) => campaign.state === "running").length;
    say("summary", items.length ? `${running} running, ${items.length}${more ? "+" : ""} in all` : "");
    document.title = `${running ? `(${running}) ` : ""}Campaigns – effspine`;
  } catch (error) {
    byId("trouble").hidden = false;
    say("trouble", `The service does not respond (${error.message}); retrying.`);
  }
}

async function refreshLoop() {
  if (!document.hidden) await refresh();
  setTimeout(refreshLoop, REFRESH_MS);
}

byId("read-on").addEventListener("click", () => { shown += PAGE; refresh(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
refreshLoop();
