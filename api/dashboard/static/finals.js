// The finals of a campaign: the verdict, each finalist against the baseline, and the trainings in progress.

import { logButton } from "./attempts.js";
import { byId, element, setText, trainingProgress } from "./dom.js";
import { decimal, duration, signed } from "./format.js";
import { getJson } from "./http.js";
import { finalsSecondsLeft } from "./time-left.js";

const SVG = "http://www.w3.org/2000/svg";
const CHART = { width: 160, height: 20 };

export function isInFinals({ finals }) {
  return finals?.state === "running";
}

/** The trial that is shown as the best: the one that finals rank first, or else that of the highest reward. */
export function bestKnown({ finals, best_trial: best }) {
  return finals?.best ?? best;
}

/** The report of a campaign's finals; null where it has none. */
export async function finalsReport(campaign, path) {
  return campaign.finals === null ? null : getJson(`${path}/finals`);
}

/** An interval as a line with its mean as a dot; the dashed line is no difference. `limit` is at both ends. */
function intervalChart({ low, high, mean }, limit) {
  const svg = document.createElementNS(SVG, "svg");
  const x = (value) => (CHART.width / 2) * (1 + Math.max(-1, Math.min(1, value / limit)));
  const draw = (name, attributes) => {
    const drawn = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) drawn.setAttribute(key, value);
    svg.append(drawn);
  };
  const middle = CHART.height / 2;
  svg.setAttribute("class", "interval");
  svg.setAttribute("viewBox", `0 0 ${CHART.width} ${CHART.height}`);
  svg.setAttribute("aria-hidden", "true"); // the row has the numbers
  draw("line", { class: "zero", x1: x(0), x2: x(0), y1: 0, y2: CHART.height });
  draw("line", { x1: x(low), x2: x(high), y1: middle, y2: middle });
  draw("circle", { cx: x(mean), cy: middle, r: 4 });
  return svg;
}

function row(found, limit, winner, isOver) {
  const hasInterval = found.low !== null;
  return element("tr", found.trial === winner ? { class: "is-best" } : {},
    element("td", { class: "number" }, found.trial),
    element("td", { class: "number optional" }, decimal(found.estimate)),
    element("td", { class: "number optional" }, found.pairs),
    element("td", { class: "number" }, signed(found.mean)),
    element("td", { class: "number" }, hasInterval ? `${signed(found.low)} to ${signed(found.high)}` : "–"),
    element("td", { class: "optional" }, ...(hasInterval ? [intervalChart(found, limit)] : [])),
    element("td", { "data-word": isOver && found.word }, isOver ? found.word : "–"), // no verdict before the end
    element("td", { class: "number optional" }, found.more_seeds ?? "–"));
}

/** Shows the verdict and one row for each finalist. */
export function showFinals(report) {
  byId("finals").hidden = report === null;
  if (report === null) return;
  const { finals, verdict, runs } = report;
  setText("finals-state", finals.state);
  byId("finals-state").dataset.state = finals.state;
  setText("finals-verdict", verdict.sentence);
  const failed = runs.filter((run) => run.state === "failed").length;
  const images = { true: "scored on images that gave no reward", false: "scored on the images that rewards were measured on" };
  const facts = [`profile ${finals.task.profile}`, `${finals.seeds.length} seeds from ${finals.seeds[0]}`, images[finals.fresh_images],
    failed && `${failed} trainings failed`];
  setText("finals-note", facts.filter(Boolean).join(" · "));
  const failedAttempts = runs.filter((run) => run.error).map((run) => ({ ...run, title: `Final of trial ${run.trial}, seed ${run.seed}` }));
  if (failedAttempts.length) byId("finals-note").append(" ", logButton("Failed attempts in the finals", () => failedAttempts));
  const limit = Math.max(1e-9, ...verdict.comparisons.flatMap(({ low, high }) => [Math.abs(low ?? 0), Math.abs(high ?? 0)]));
  byId("finals-rows").replaceChildren(...verdict.comparisons.map((found) => row(found, limit, verdict.winner, finals.state === "completed")));
}

/** The trainings in progress, as rows of the list of running work. */
export function runningFinals(campaign, report) {
  const left = finalsSecondsLeft(campaign, report);
  const summary = [`${report.finals.runs_finished} of ${report.finals.runs} finals`, left !== null && `≈ ${duration(left)} left`];
  const rows = report.runs.filter((run) => run.state === "running").map((run) => element("div", { class: "of-finals" },
    element("span", {}, `Final of trial ${run.trial}, seed ${run.seed}`),
    trainingProgress(run, `the final of trial ${run.trial} with seed ${run.seed}`),
    element("span", { class: "muted" }, run.progress_total ? `step ${run.progress_step} / ${run.progress_total}` : "")));
  return [...rows, element("div", { class: "of-finals" }, element("span", {}, "All finals"),
    element("progress", { max: Math.max(1, report.finals.runs), value: report.finals.runs_finished, "aria-label": "Finals finished" }),
    element("span", { class: "muted" }, summary.filter(Boolean).join(" · ")))];
}
