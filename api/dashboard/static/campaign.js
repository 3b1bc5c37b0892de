// The page of one campaign: figures and tables are updated after its events, running trials by polling.

import { drawMadds, drawPolicy, drawProgress, drawWidths, onColourScheme } from "./charts.js";
import { byId, displayed, element, say, spark } from "./dom.js";
import { duration, moment, percent, points, secondsBetween, signed } from "./format.js";
import { getJson, patch, post } from "./http.js";
import { follow } from "./live.js";
import { link } from "./root.js";
import { FINISHED } from "./states.js";
import { secondsLeft } from "./time-left.js";
import { trialsTable } from "./trials-table.js";
import { showWaiting } from "./waiting.js";

const RUNNING_MS = 2000;
const PAUSED = new Set(["pausing", "paused"]);
const THIS_WAITS = "this campaign waits";
const FIGURES = { progress: drawProgress, widths: drawWidths, "madds-ap": drawMadds, policy: drawPolicy };

const levels = byId("campaign").dataset.levels.split(",");
const path = `/v1/campaigns/${encodeURIComponent(byId("campaign").dataset.id)}`;
const mayOperate = byId("campaign").dataset.mayOperate === "yes"; // the service rejects it otherwise
const refreshTable = trialsTable(path);
let campaign = null, drawn = {}, diagramOf = null, refreshing = null, again = false;

function showHeading() {
  const { spec, state, name } = campaign;
  say("name", name);
  say("state", state);
  byId("state").dataset.state = state;
  byId("synthetic").hidden = spec.proxy_task.profile !== "synthetic";
  const about = [spec.dataset && `data set ${spec.dataset}`, `profile ${spec.proxy_task.profile}`, `${spec.controller.policy} controller`,
    `seed ${spec.seed}`, `${spec.parallelism} at a time`, campaign.stopped_because && `ended by ${campaign.stopped_because}`, campaign.started_at ? `started ${moment(campaign.started_at)}` : `created ${moment(campaign.created_at)}`];
  say("meta", about.filter(Boolean).join(" · "));
  document.title = `${state} ${campaign.trials_finished}/${spec.trials} · ${displayed(name)} – effspine`;
  byId("failure").hidden = !campaign.error;
  if (campaign.error) say("failure-text", campaign.error);
  byId("stop").hidden = !mayOperate || FINISHED.has(state);
  byId("stop").disabled = state === "stopping";
  byId("start").hidden = !mayOperate || state !== "draft";
  byId("change").hidden = !mayOperate || FINISHED.has(state) || state === "stopping";
  byId("pause").hidden = !mayOperate || FINISHED.has(state) || state === "stopping" || state === "draft";
  byId("pause").textContent = PAUSED.has(state) ? "Resume" : "Pause";
  const file = byId("export");
  if (campaign.best_trial === null) file.removeAttribute("href");
  else file.setAttribute("href", link(`${path}/exports/json`));
  file.setAttribute("aria-disabled", String(campaign.best_trial === null));
}

function showHeadline(best, recent) {
  const { spec, best_reward: reward, baseline_reward: baseline } = campaign;
  say("best", points(reward));
  say("best-note", campaign.best_trial === null ? "" : campaign.best_trial === 0 ? "the baseline itself" : `trial ${campaign.best_trial}`);
  const gain = reward === null || baseline === null ? null : reward - baseline;
  say("gain", campaign.best_trial === 0 ? "none yet" : signed(gain));
  say("gain-note", baseline === null ? "" : `baseline ${points(baseline)}${gain && baseline > 0 ? `, ${signed((100 * gain) / baseline, 0)}\u00a0%` : ""}`);
  say("trials", `${campaign.trials_finished} / ${spec.trials}`);
  byId("trials-bar").max = spec.trials;
  byId("trials-bar").value = campaign.trials_finished;
  say("ratio", best ? percent(best.madds_ratio) : "–");
  say("ratio-note", best ? "of the budget" : "");
  const now = new Date().toISOString();
  if (FINISHED.has(campaign.state)) {
    say("time-label", "Time taken");
    say("time", duration(secondsBetween(campaign.started_at, campaign.finished_at)));
    say("time-note", campaign.finished_at ? `ended ${moment(campaign.finished_at)}` : "");
  } else {
    const taken = secondsBetween(campaign.started_at, now);
    const left = secondsLeft(campaign, recent);
    say("time-label", "Time left");
    say("time", left === null ? "–" : `≈ ${duration(left)}`);
    say("time-note", campaign.state === "paused" ? `paused since ${moment(campaign.paused_at)}`
      : campaign.state === "draft" ? "not started yet"
      : taken === null ? "waiting for a runner" : `running for ${duration(taken)}`);
  }
  say("progress-note", reward === null ? "" :
    `${campaign.trials_finished} rewards; best ${points(reward)} at trial ${campaign.best_trial}${baseline === null ? "" : `, uniform baseline ${points(baseline)}`}.`);
}

async function showFigures() {
  const names = Object.keys(FIGURES);
  const figures = await Promise.all(names.map((name) => getJson(`${path}/figures/${name}`)));
  names.forEach((name, index) => {
    const text = JSON.stringify(figures[index]);
    if (drawn[name]?.text === text) return;
    drawn[name] = { text, figure: figures[index] };
    FIGURES[name](figures[index], levels);
  });
}

/** The block diagram of the best trial, an SVG from the service; loaded again only for a new best trial. */
function showDiagram(best) {
  if (!best || best.number === diagramOf) return;
  diagramOf = best.number;
  const address = link(`${path}/exports/svg?trial=${best.number}`);
  const who = best.number === 0 ? "Block diagram of the uniform baseline, the best so far." : `Block diagram of trial ${best.number} beside the uniform baseline.`;
  const picture = element("img", { src: address, alt: `${who} Channels of blocks 1 to ${best.widths.length}: ${best.widths.join(", ")}.` });
  picture.addEventListener("error", () => { diagramOf = null; });
  byId("diagram").replaceChildren(picture);
  byId("diagram-file").setAttribute("href", address);
  byId("diagram-file").hidden = false;
}

function redraw() {
  for (const [name, { figure }] of Object.entries(drawn)) FIGURES[name](figure, levels);
}

function running(trial) {
  if (!trial.progress_total) return "";
  const ap = trial.progress_ap === null ? "" : ` · AP ${points(trial.progress_ap)}`;
  return `step ${trial.progress_step} / ${trial.progress_total}${ap}`;
}

async function showRunning() {
  if (campaign === null || FINISHED.has(campaign.state)) { byId("running").hidden = true; return; }
  const page = await getJson(`${path}/trials?state=running&limit=8`);
  byId("running").hidden = page.items.length === 0;
  byId("running").replaceChildren(...page.items.map((trial) => element("div", {},
    element("span", {}, `Trial ${trial.number}`), spark(trial.widths),
    trial.progress_total ? element("progress", { max: trial.progress_total, value: trial.progress_step ?? 0, "aria-label": `Progress of trial ${trial.number}` }) : element("span", { class: "quiet" }, "starting"),
    element("span", { class: "quiet" }, running(trial)))));
}

async function refresh() {
  if (refreshing) { again = true; return refreshing; }
  refreshing = (async () => {
    try {
      campaign = await getJson(path);
      const [best, recent] = await Promise.all([getJson(`${path}/best`), getJson(`${path}/trials?order_by=-number&limit=100`)]);
      showHeading();
      showHeadline(best.items[0] ?? null, recent.items);
      showDiagram(best.items[0] ?? null);
      await Promise.all([showFigures(), refreshTable(campaign.best_trial), showRunning(), showWaiting([campaign], THIS_WAITS)]);
      byId("trouble").hidden = true;
    } catch (error) {
      byId("trouble").hidden = false;
      say("trouble", `The page could not be updated: ${error.message}. It keeps trying.`);
    } finally {
      refreshing = null;
    }
  })();
  await refreshing;
  if (again) { again = false; return refresh(); }
}

async function pollRunning() {
  if (!document.hidden) await Promise.all([showRunning(), showWaiting(campaign ? [campaign] : [], THIS_WAITS)]).catch(() => {});
  if (campaign === null || !FINISHED.has(campaign.state)) setTimeout(pollRunning, RUNNING_MS);
}

/** Sends a request and refreshes the page, or shows why the service rejected it. */
async function act(request) {
  try { await request(); } catch (error) { byId("trouble").hidden = false; say("trouble", error.message); }
  refresh();
}

byId("start").addEventListener("click", () => act(() => post(`${path}/start`)));
byId("change").addEventListener("click", () => {
  byId("change-trials").value = campaign.spec.trials;
  byId("change-trials").min = Math.max(1, campaign.trials_begun);
  byId("change-parallelism").value = campaign.spec.parallelism;
  byId("change-trouble").hidden = true;
  byId("change-dialog").showModal();
});
byId("change-cancel").addEventListener("click", () => byId("change-dialog").close());
byId("change-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await patch(path, { trials: byId("change-trials").valueAsNumber, parallelism: byId("change-parallelism").valueAsNumber });
    byId("change-dialog").close();
    refresh();
  } catch (error) {
    byId("change-trouble").hidden = false;
    say("change-trouble", error.message);
  }
});
byId("pause").addEventListener("click", () => act(() => post(`${path}/${PAUSED.has(campaign.state) ? "resume" : "pause"}`)));
byId("stop").addEventListener("click", () => byId("stop-dialog").showModal());
byId("stop-dialog").addEventListener("close", () => {
  if (byId("stop-dialog").returnValue === "stop") act(() => post(`${path}/stop`));
});
onColourScheme(redraw);
await refresh();
if (campaign === null || !FINISHED.has(campaign.state)) {
  follow(`${path}/events`, campaign?.last_event ?? 0, refresh);
  pollRunning();
}
