// The page of one training: polling updates its progress, its curve and its figures.

import { onReconnected } from "./connection.js";
import { byId, displayed, element, setText } from "./dom.js";
import { Figure } from "./figure.js";
import { ExportDialog } from "./dialogs/exports.js";
import { dateTime, decimal, duration } from "./format.js";
import { DisconnectedError, getJson, post } from "./http.js";
import { link } from "./root.js";
import { FINISHED_TRAININGS, RESUMABLE_TRAININGS, STOPPABLE_TRAININGS } from "./states.js";
import { failureTitle } from "./training-failure.js";
import { html, render } from "./ui.js";

const REFRESH_MS = 2000;
const count = (number) => number.toLocaleString("en");
const path = `/v1/trainings/${encodeURIComponent(byId("training").dataset.id)}`;
const mayOperate = byId("training").dataset.mayOperate === "yes"; // otherwise the service rejects changes
let training = null, isPolling = false;

function showLink(id, address) {
  byId(id).hidden = address === null;
  if (address !== null) byId(id).setAttribute("href", link(address));
}

function showHeading() {
  const { name, state, progress } = training;
  setText("name", name);
  setText("state", state);
  byId("state").dataset.state = state;
  const of = training.model ?? (training.campaign_id === null ? "a block specification" : `trial ${training.trial}`);
  const facts = [of, training.task, `recipe ${training.recipe}`,
    ...Object.entries(training.overrides).map(([field, value]) => `${field.replaceAll("_", " ")} ${JSON.stringify(value)}`), `seed ${training.seed}`, training.start.startsWith("t_") ? `from the weights of ${training.start}` : `from ${training.start} weights`,
    training.attempts > 1 && `attempt ${training.attempts}`, training.started_at ? `started ${dateTime(training.started_at)}` : `created ${dateTime(training.created_at)}`];
  setText("meta", `${facts.filter(Boolean).join(" · ")} · `);
  byId("campaign-separator").hidden = training.campaign_id === null;
  setText("dataset", `data set ${training.dataset}`);
  showLink("campaign", training.campaign_id && `/campaigns/${encodeURIComponent(training.campaign_id)}`);
  showLink("dataset", `/datasets/${encodeURIComponent(training.dataset)}`);
  showLink("model", training.figures && `${path}/model`);
  byId("export").hidden = !(training.figures && training.task === "detection");
  byId("stop").hidden = !mayOperate || !STOPPABLE_TRAININGS.has(state);
  byId("resume").hidden = !mayOperate || !RESUMABLE_TRAININGS.has(state);
  byId("failure").hidden = !training.error;
  setText("failure-title", failureTitle(state));
  setText("failure-text", [training.error, training.log_tail].filter(Boolean).join("\n\n"));
  document.title = `${state}${progress ? ` ${progress.step}/${progress.steps}` : ""} · ${displayed(name)} – effspine`;
}

function showHeadline() {
  const { progress, state } = training;
  const metric = progress?.metric ?? "";
  setText("best-label", `Best ${metric.toUpperCase()}`);
  setText("best", decimal(progress?.best));
  setText("best-note", progress?.best_step ? `at step ${count(progress.best_step)}` : "");
  setText("last", decimal(progress?.last));
  setText("last-note", progress?.epoch ? `epoch ${decimal(progress.epoch, 1)}` : "");
  setText("steps", progress ? `${count(progress.step)} / ${count(progress.steps)}` : "–");
  byId("steps-bar").max = progress?.steps ?? 1;
  byId("steps-bar").value = progress?.step ?? 0;
  setText("loss", decimal(progress?.loss));
  setText("loss-note", progress ? `at step ${count(progress.step)}` : "");
  const isOver = FINISHED_TRAININGS.has(state);
  setText("time-label", isOver ? "Device time" : "Time left");
  setText("time", isOver ? duration(training.device_seconds) : progress?.seconds_left ? `≈ ${duration(progress.seconds_left)}` : "–");
  setText("time-note", isOver ? (training.finished_at ? `ended ${dateTime(training.finished_at)}` : "") : state === "queued" ? "queued" : `${duration(training.device_seconds)} so far`);
  byId("best-evaluation").hidden = training.figures === null;
  byId("figures").replaceChildren(...Object.entries(training.figures ?? {}).map(([name, value]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, decimal(value, 4)))));
}

function showCurve() {
  const version = `${training.attempts}.${training.progress?.step ?? 0}.${training.state}`;
  render(html`<${Figure} path=${`${path}/figures/curve`} version=${version} label="Metric and losses by step" empty="No step yet." />`, byId("curve"));
}

async function refresh() {
  try {
    training = await getJson(path);
    showHeading();
    showHeadline();
    showCurve();
    byId("error").hidden = true;
  } catch (error) {
    if (error instanceof DisconnectedError) return; // the page says so already
    byId("error").hidden = false;
    setText("error", `The page could not be updated: ${error.message}. Retrying.`);
  }
}

async function poll() {
  if (!document.hidden) await refresh();
  isPolling = training === null || !FINISHED_TRAININGS.has(training.state);
  if (isPolling) setTimeout(poll, REFRESH_MS);
}

/** Sends a request, shows the error if the service rejects it, and refreshes the page. */
async function send(action) {
  try {
    await post(`${path}/${action}`);
    if (!isPolling) await poll();
    else await refresh();
  } catch (error) {
    byId("error").hidden = false;
    setText("error", error.message);
  }
}

function showExports(isOpen) {
  render(isOpen ? html`<${ExportDialog} path=${path} mayOperate=${mayOperate} onClose=${() => showExports(false)} />` : null, byId("dialog"));
}

byId("export").addEventListener("click", () => showExports(true));
byId("stop").addEventListener("click", () => send("stop"));
byId("resume").addEventListener("click", () => send("resume"));
onReconnected(() => { if (!isPolling) refresh(); });
poll();
