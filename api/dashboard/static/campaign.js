// The page of one campaign: its events update figures and tables, polling updates the running trials.

import { drawLatency, drawMadds, drawParams, drawPolicy, drawProgress, drawWidths, onColourScheme } from "./charts.js";
import { errorNote, logButton } from "./attempts.js";
import { byId, displayed, element, setText, spark, trainingProgress } from "./dom.js";
import { duration, dateTime, decimal, secondsBetween } from "./format.js";
import { exportDialog } from "./exports.js";
import { bestKnown, finalsReport, isInFinals, runningFinals, showFinals } from "./finals.js";
import { showGain, showParams, showSearch } from "./headline.js";
import { getJson, patch, post } from "./http.js";
import { follow } from "./live.js";
import { link } from "./root.js";
import { CHANGEABLE, CONTINUABLE, FINALS_ALLOWED, FINISHED, PAUSABLE, RESUMABLE, RETRYABLE, STARTABLE, STOPPABLE } from "./states.js";
import { finalsSecondsLeft, secondsLeft, sharedSecondsLeft } from "./time-left.js";
import { trainDialog } from "./train.js";
import { trialsTable } from "./trials-table.js";
import { showWaiting } from "./waiting.js";

const RUNNING_MS = 2000;
const RUNNING_SHOWN = 8;
const THIS_CAMPAIGN_WAITS = "this campaign waits";
const FIGURES = { progress: drawProgress, widths: drawWidths, "madds-ap": drawMadds, "params-ap": drawParams, "latency-ap": drawLatency, policy: drawPolicy };

const levels = byId("campaign").dataset.levels.split(",");
const path = `/v1/campaigns/${encodeURIComponent(byId("campaign").dataset.id)}`;
const mayOperate = byId("campaign").dataset.mayOperate === "yes"; // otherwise the service rejects changes
const refreshTable = trialsTable(path);
let campaign = null, drawn = {}, diagramTrial = null, refreshing = null, isRefreshPending = false, isPolling = false, isRefusal = false, stopFollowing = () => {};

function showHeading() {
  const { spec, state, name } = campaign;
  setText("name", name);
  setText("state", state);
  byId("state").dataset.state = state;
  byId("synthetic").hidden = spec.proxy_task.profile !== "synthetic";
  byId("latency-card").hidden = byId("latency-column").hidden = !spec.latency;
  const facts = [spec.dataset && `data set ${spec.dataset}`, `profile ${spec.proxy_task.profile}`, `${spec.controller.policy ?? spec.controller.algorithm} controller`, spec.objective.minimise && `also less ${spec.objective.minimise}`,
    campaign.data && `data ${campaign.data.sha256.slice(0, 12)}`, `seed ${spec.seed}`, `${spec.parallelism} at a time`, campaign.stopped_because && `ended by ${campaign.stopped_because}`,
    campaign.repeats_skipped > 0 && `${campaign.repeats_skipped} repeats skipped, re-heated for ${campaign.reheated_trials} trials`, campaign.started_at ? `started ${dateTime(campaign.started_at)}` : `created ${dateTime(campaign.created_at)}`];
  setText("meta", facts.filter(Boolean).join(" · "));
  byId("dataset").hidden = !spec.dataset;
  if (spec.dataset) byId("dataset").setAttribute("href", link(`/datasets/${encodeURIComponent(spec.dataset)}`));
  document.title = `${state} ${campaign.trials_finished}/${spec.trials} · ${displayed(name)} – effspine`;
  byId("failure").hidden = !campaign.error;
  if (campaign.error) setText("failure-text", campaign.error);
  byId("retry").hidden = !mayOperate || !RETRYABLE.has(state);
  byId("waiting-for").hidden = !campaign.waiting_for;
  if (campaign.waiting_for) setText("waiting-for", `The campaign waits and continues by itself: ${campaign.waiting_for}`);
  showSharedFailure(campaign.shared_training);
  byId("stop").hidden = !mayOperate || FINISHED.has(state);
  byId("stop").disabled = !STOPPABLE.has(state);
  byId("start").hidden = !mayOperate || !STARTABLE.has(state);
  byId("change").hidden = !mayOperate || !(CHANGEABLE.has(state) || CONTINUABLE.has(state));
  byId("change").textContent = CONTINUABLE.has(state) ? "Continue" : "Change";
  byId("compare").hidden = !mayOperate || !FINALS_ALLOWED.has(state) || campaign.baseline_reward === null;
  byId("compare").textContent = campaign.finals === null ? "Run finals" : "More finals";
  byId("pause").hidden = !mayOperate || !(PAUSABLE.has(state) || RESUMABLE.has(state));
  byId("pause").textContent = RESUMABLE.has(state) ? "Resume" : "Pause";
  byId("train").hidden = !mayOperate || campaign.best_trial === null;
  byId("export").disabled = campaign.best_trial === null;
  byId("export").textContent = campaign.finals?.winner ? "Export winner" : "Export best";
}

/** The latest failed attempt at the shared weights, until they are trained. */
function showSharedFailure(training) {
  byId("shared-failure").hidden = !training?.error;
  if (!training?.error) return;
  const attempt = { ...training, state: "failed", title: "Latest failed attempt" };
  byId("shared-failure").replaceChildren("Shared weights: ", errorNote(training), " ", logButton("Training of the shared weights", () => [attempt]));
}

function showHeadline({ items: [best = null], baseline: start }, recent, report, search) {
  const { spec, best_reward: reward, baseline_reward: baseline } = campaign;
  const isFirst = best !== null && best.number === campaign.finals?.best;
  const isConfirmed = isFirst && best.number === campaign.finals.winner;
  const highest = campaign.best_trial === 0 ? "the baseline itself" : `trial ${campaign.best_trial}`;
  setText("best-label", isConfirmed ? "AP of the confirmed winner" : isFirst ? "AP of the first in the finals" : "Best AP");
  setText("best", decimal(isFirst ? best.reward : reward));
  setText("best-note", reward === null ? "" : isFirst ? `trial ${best.number}; highest ${decimal(reward)}, ${highest}` : highest);
  showGain(campaign, report, search.gain_error);
  showSearch(campaign, search);
  byId("search-stop").hidden ||= !mayOperate;
  setText("trials", `${campaign.trials_finished} / ${spec.trials}`);
  byId("trials-bar").max = spec.trials;
  byId("trials-bar").value = campaign.trials_finished;
  showParams(best, start);
  const now = new Date().toISOString();
  if (FINISHED.has(campaign.state)) {
    setText("time-label", "Time taken");
    setText("time", duration(secondsBetween(campaign.started_at, campaign.finished_at)));
    setText("time-note", campaign.finished_at ? `ended ${dateTime(campaign.finished_at)}` : "");
  } else {
    const elapsed = secondsBetween(campaign.started_at, now);
    const left = isInFinals(campaign) && report ? finalsSecondsLeft(campaign, report) : secondsLeft(campaign, recent);
    setText("time-label", "Time left");
    setText("time", left === null ? "–" : `≈ ${duration(left)}`);
    setText("time-note", campaign.paused_at !== null ? `paused since ${dateTime(campaign.paused_at)}`
      : STARTABLE.has(campaign.state) ? "not started yet"
      : campaign.waiting_for ? "waiting"
      : isTrainingShared(campaign) ? "training the shared weights"
      : isInFinals(campaign) ? "finals"
      : elapsed === null ? "waiting for a runner" : `running for ${duration(elapsed)}`);
  }
  setText("progress-note", reward === null ? "" :
    `Best ${decimal(reward)} at trial ${campaign.best_trial}${baseline === null ? "" : `, uniform baseline ${decimal(baseline)}`}.`);
}

async function showFigures() {
  const names = Object.keys(FIGURES).filter((name) => name !== "latency-ap" || campaign.spec.latency);
  const figures = await Promise.all(names.map((name) => getJson(`${path}/figures/${name}`)));
  names.forEach((name, index) => {
    const text = JSON.stringify(figures[index]);
    if (drawn[name]?.text === text) return;
    drawn[name] = { text, figure: figures[index] };
    FIGURES[name](figures[index], levels);
  });
}

/** Shows the block diagram of the best trial, an SVG from the service; reloads it only for a new best trial. */
function showDiagram(best) {
  if (!best || best.number === diagramTrial) return;
  diagramTrial = best.number;
  const url = link(`${path}/exports/svg?trial=${best.number}`);
  const description = best.number === 0 ? "Block diagram of the uniform baseline, which is the best so far." : `Block diagram of trial ${best.number} next to the uniform baseline.`;
  const image = element("img", { src: `${url}&style=page`, alt: `${description} Channels of blocks 1 to ${best.widths.length}: ${best.widths.join(", ")}.` });
  image.addEventListener("error", () => { diagramTrial = null; });
  byId("diagram").replaceChildren(image);
  byId("diagram-file").setAttribute("href", url);
  byId("diagram-file").hidden = false;
}

function redraw() {
  for (const [name, { figure }] of Object.entries(drawn)) FIGURES[name](figure, levels);
}

function progressText(trial) {
  if (!trial.progress_total) return "";
  const ap = trial.progress_ap === null ? "" : ` · AP ${decimal(trial.progress_ap)}`;
  return `step ${trial.progress_step} / ${trial.progress_total}${ap}`;
}

async function showRunning() {
  if (campaign === null || FINISHED.has(campaign.state)) { byId("running").hidden = true; return; }
  const rows = isTrainingShared(campaign) ? [sharedTrainingRow(await getJson(path))]
    : isInFinals(campaign) ? runningFinals(campaign, await finalsReport(campaign, path))
    : runningTrials((await getJson(`${path}/trials?state=running&limit=${campaign.spec.parallelism}`)).items);
  byId("running").hidden = rows.length === 0;
  byId("running").replaceChildren(...rows);
}

/** The trials that workers train, and how many wait for a worker. */
function runningTrials(running) {
  const trials = running.filter((trial) => trial.reused_from === null); // a repeat waits for another trial
  const begun = trials.filter((trial) => trial.worker_started_at !== null);
  const rows = begun.slice(0, RUNNING_SHOWN).map((trial) => element("div", {},
    element("span", {}, `Trial ${trial.number}`), spark(trial.widths), trainingProgress(trial, `trial ${trial.number}`),
    element("span", { class: "muted" }, progressText(trial))));
  const summary = `${begun.length} running, ${trials.length - begun.length} queued`;
  return trials.length > rows.length ? [...rows, element("div", {}, element("span", { class: "muted" }, summary))] : rows;
}

function isTrainingShared({ shared_training: training }) {
  return training?.state === "running";
}

/** The progress of the training that precedes the trials; the newest document has more of it than the last event. */
function sharedTrainingRow(newest) {
  const { step, steps, loss } = newest.shared_training;
  const left = sharedSecondsLeft(newest, Date.now());
  const text = [`step ${step} / ${steps}`, loss !== null && `loss ${decimal(loss)}`, left !== null && `≈ ${duration(left)} left`];
  return element("div", {}, element("span", {}, "Shared weights"),
    element("progress", { max: steps, value: step, "aria-label": "Progress of the training of the shared weights" }),
    element("span", { class: "muted" }, text.filter(Boolean).join(" · ")));
}

async function refresh() {
  if (refreshing) { isRefreshPending = true; return refreshing; }
  refreshing = (async () => {
    try {
      campaign = await getJson(path);
      const [best, recent, search, report] = await Promise.all([getJson(`${path}/best`), getJson(`${path}/trials?order_by=-number&limit=100`), getJson(`${path}/figures/search`), finalsReport(campaign, path)]);
      showHeading();
      showHeadline(best, recent.items, report, search);
      showFinals(report);
      showDiagram(best.items[0] ?? null);
      await Promise.all([showFigures(), refreshTable(bestKnown(campaign), Boolean(campaign.spec.latency)), showRunning(), showWaiting([campaign], THIS_CAMPAIGN_WAITS)]);
      if (!isRefusal) byId("error").hidden = true;
    } catch (error) {
      showError(`The page could not be updated: ${error.message}. Retrying.`, false);
    } finally {
      refreshing = null;
    }
  })();
  await refreshing;
  if (isRefreshPending) { isRefreshPending = false; return refresh(); }
}

async function pollRunning() {
  if (!document.hidden) await Promise.all([showRunning(), showWaiting(campaign ? [campaign] : [], THIS_CAMPAIGN_WAITS)]).catch(() => {});
  isPolling = campaign === null || !FINISHED.has(campaign.state);
  if (isPolling) setTimeout(pollRunning, RUNNING_MS);
}

/** Updates the page after events and by polling, until the campaign has finished. */
function keepUpdated() {
  if (campaign !== null && FINISHED.has(campaign.state)) return;
  stopFollowing();
  stopFollowing = follow(`${path}/events`, campaign?.last_event ?? 0, refresh);
  if (!isPolling) pollRunning();
}

/** Shows an error; a refusal of a request stays until the next request. */
function showError(text, isOfRequest) {
  isRefusal = isOfRequest;
  byId("error").hidden = false;
  setText("error", text);
}

/** Sends a request, shows the error if the service rejects it, and refreshes the page. */
async function send(request) {
  isRefusal = false;
  try { await request(); } catch (error) { showError(error.message, true); }
  return refresh();
}

byId("start").addEventListener("click", () => send(() => post(`${path}/start`)));
byId("change").addEventListener("click", () => {
  byId("change-trials").value = campaign.spec.trials;
  byId("change-trials").min = Math.max(1, campaign.trials_begun);
  byId("change-parallelism").value = campaign.spec.parallelism;
  byId("change-error").hidden = true;
  byId("change-dialog").showModal();
});
byId("change-cancel").addEventListener("click", () => byId("change-dialog").close());
byId("change-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await patch(path, { trials: byId("change-trials").valueAsNumber, parallelism: byId("change-parallelism").valueAsNumber });
    byId("change-dialog").close();
    refresh().then(keepUpdated); // a completed campaign continues, whose stream had ended
  } catch (error) {
    byId("change-error").hidden = false;
    setText("change-error", error.message);
  }
});
byId("compare").addEventListener("click", () => {
  const { top = 3, seeds = 5 } = campaign.spec.finals ?? {};
  byId("compare-top").value = Math.max(top, campaign.finals?.finalists.length ?? 0);
  byId("compare-seeds").value = campaign.finals?.state === "completed" ? campaign.finals.seeds.length + 5 : seeds;
  byId("compare-error").hidden = true;
  byId("compare-dialog").showModal();
});
byId("compare-cancel").addEventListener("click", () => byId("compare-dialog").close());
byId("compare-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await post(`${path}/finals`, { top: byId("compare-top").valueAsNumber, seeds: byId("compare-seeds").valueAsNumber });
    byId("compare-dialog").close();
    refresh().then(keepUpdated);
  } catch (error) {
    byId("compare-error").hidden = false;
    setText("compare-error", error.message);
  }
});
const openExports = exportDialog(path, mayOperate);
byId("export").addEventListener("click", () => openExports(bestKnown(campaign), campaign.trials_begun - 1));
const openTraining = trainDialog(byId("campaign").dataset.id, path);
byId("train").addEventListener("click", () => openTraining(bestKnown(campaign), campaign.trials_begun - 1, campaign.spec.dataset));
byId("pause").addEventListener("click", () => send(() => post(`${path}/${RESUMABLE.has(campaign.state) ? "resume" : "pause"}`)));
byId("retry").addEventListener("click", () => send(() => post(`${path}/retry`)).then(keepUpdated)); // its stream had ended
for (const id of ["stop", "search-stop"]) byId(id).addEventListener("click", () => byId("stop-dialog").showModal());
byId("stop-dialog").addEventListener("close", () => {
  if (byId("stop-dialog").returnValue === "stop") send(() => post(`${path}/stop`));
});
onColourScheme(redraw);
await refresh();
keepUpdated();
