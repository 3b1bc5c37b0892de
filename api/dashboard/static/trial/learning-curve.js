// The learning curve of a trial: loss and AP by step of each attempt, beside the baseline's.

import { decimal } from "../format.js";
import { html } from "../ui.js";

const WIDTH = 420, HEIGHT = 200, LEFT = 44, RIGHT = 8, TOP = 10, BOTTOM = 26;
const SERIES = [["loss", "Loss"], ["ap", "AP on the reserved images"]];

export function LearningCurve({ campaign, trial, baseline }) {
  const panels = SERIES.map(([name, title]) => ({ title, name, lines: linesOf(name, trial, baseline) })).filter(({ lines }) => lines.some(({ isOwn }) => isOwn));
  return html`<section class="card" aria-labelledby="trial-curve">
    <h2 id="trial-curve">Learning curve</h2>
    ${panels.length > 0 && html`<div class="curves">${panels.map((panel) => html`<${Panel} key=${panel.name} ...${panel} />`)}</div>
      ${baseline?.curve.length > 0 && html`<p class="muted">Dashed: the baseline.</p>`}`}
    ${panels.length === 0 && html`<p class="muted">${trial.state === "running" ? "No step was reported yet." : emptyText(campaign)}</p>`}
  </section>`;
}

const emptyText = ({ shared_training: shared }) => (shared ? "It was scored with its part of the shared weights, without a training of its own."
  : "No step was reported: the trial was too short, or not trained.");

/** The points [step, value] of each attempt, the latest attempt last. */
function linesOf(name, trial, baseline) {
  const line = (curve, attempt, isOwn, role) => ({ isOwn, role, points: curve.filter((point) => point.attempt === attempt && name in point.values).map(({ step, values }) => [step, values[name]]) });
  const latest = (curve) => Math.max(0, ...curve.map(({ attempt }) => attempt));
  const attempts = [...new Set(trial.curve.map(({ attempt }) => attempt))];
  return [
    ...(baseline ? [line(baseline.curve, latest(baseline.curve), false, "baseline")] : []),
    ...attempts.map((attempt) => line(trial.curve, attempt, true, attempt === latest(trial.curve) ? "own" : "earlier")),
  ].filter(({ points }) => points.length);
}

function Panel({ title, lines }) {
  const points = lines.flatMap((line) => line.points);
  const [steps, values] = [0, 1].map((index) => points.map((point) => point[index]));
  const last = Math.max(...steps), low = Math.min(...values, Math.max(...values) - 1e-6), high = Math.max(...values);
  const x = (step) => LEFT + (WIDTH - LEFT - RIGHT) * (step / last);
  const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - low) / (high - low));
  const own = lines.at(-1).points.at(-1);
  const label = `${title} by step, from ${decimal(lines.at(-1).points[0][1])} to ${decimal(own[1])} at step ${own[0]}.`;
  return html`<figure>
    <figcaption class="muted">${title}, ${decimal(own[1])} at step ${own[0]}</figcaption>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label=${label}>
      ${[low, (low + high) / 2, high].map((value) => html`<path class="grid" d="M${LEFT} ${y(value)}H${WIDTH - RIGHT}" /><text x=${LEFT - 6} y=${y(value) + 4} text-anchor="end">${decimal(value, high < 10 ? 3 : 0)}</text>`)}
      <text x=${LEFT} y=${HEIGHT - 6}>0</text><text x=${WIDTH - RIGHT} y=${HEIGHT - 6} text-anchor="end">step ${last}</text>
      ${lines.map(({ role, points: of }) => (of.length > 1 ? html`<polyline class=${role} points=${of.map(([step, value]) => `${x(step)},${y(value)}`).join(" ")} />`
        : html`<circle class=${role} cx=${x(of[0][0])} cy=${y(of[0][1])} r="3" />`))}
    </svg>
  </figure>`;
}
