// Draws the figures of a campaign and of a training from the numbers that the service computes.

import { byId, element } from "./dom.js";

const MIN_HALF_RANGE = 0.2; // the axis of a cost spans at least 20 % to either side, as in Figure 5 of the paper
const MIN_PROBABILITIES = 0.01; // the colours of the policy span at least this
const CONFIG = { displayModeBar: false, scrollZoom: false };
const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif';

// plotly.js is large and loads asynchronously.
const plotly = new Promise((loaded) => (window.Plotly ? loaded() : byId("plotly").addEventListener("load", loaded)));

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function axis(title, overrides = {}) {
  return {
    title: { text: title, font: { size: 12, color: colour("muted") }, standoff: 8 },
    tickfont: { size: 11, color: colour("muted") },
    gridcolor: colour("track"), linecolor: colour("line"), zeroline: false, automargin: true, fixedrange: true, ...overrides,
  };
}

function layout(overrides) {
  return {
    margin: { l: 48, r: 12, t: 8, b: 40 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: FONT, size: 12, color: colour("text") }, hovermode: "closest", showlegend: true,
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { size: 12 }, bgcolor: "rgba(0,0,0,0)" },
    hoverlabel: { bgcolor: colour("surface"), bordercolor: colour("line"), font: { family: FONT, size: 12, color: colour("text") } },
    ...overrides,
  };
}

/** A note in the chart with the number of trials shown, if the service has downsampled them. */
function sampleNote(figure) {
  const shown = figure.number.length;
  if (shown >= figure.of) return {};
  const text = `${shown.toLocaleString("en")} of ${figure.of.toLocaleString("en")} trials shown`;
  return { annotations: [{ text, showarrow: false, xref: "paper", yref: "paper", x: 1, y: 1.02, xanchor: "right", yanchor: "bottom", font: { size: 11, color: colour("muted") } }] };
}

// Resizes a chart with its element, which also changes size without the window.
const resized = new ResizeObserver((entries) => {
  for (const { target } of entries) if (target.classList.contains("js-plotly-plot")) Plotly.Plots.resize(target);
});

async function draw(id, traces, overrides) {
  const target = byId(id);
  await plotly;
  target.querySelector(":scope > .placeholder")?.remove();
  resized.observe(target);
  return Plotly.react(target, traces, layout(overrides), CONFIG);
}

async function showPlaceholder(id, text) {
  const target = byId(id);
  if (target.classList.contains("js-plotly-plot")) Plotly.purge(target);
  target.replaceChildren(element("span", { class: "placeholder" }, text));
}

/** Reward of each trial, the best so far, and the baseline as a dashed line. */
export function drawProgress(figure) {
  const x = figure.number;
  if (!x.length) return showPlaceholder("chart-progress", "No reward yet.");
  const traces = [
    { x, y: figure.reward, name: "trial", mode: "markers", type: x.length > 2000 ? "scattergl" : "scatter",
      marker: { size: x.length > 400 ? 4 : 7, color: colour("point"), opacity: 0.85 }, hovertemplate: "trial %{x}<br>AP %{y:.3f}<extra></extra>" },
    { x, y: figure.best, name: "best so far", mode: "lines", line: { shape: "hv", width: 2, color: colour("accent") },
      hovertemplate: "best after trial %{x}<br>AP %{y:.3f}<extra></extra>" },
  ];
  if (figure.baseline !== null) {
    traces.push({ x: [Math.min(...x), Math.max(...x, 1)], y: [figure.baseline, figure.baseline], name: "baseline", mode: "lines",
      line: { dash: "dash", width: 1.5, color: colour("muted") }, hovertemplate: "baseline AP %{y:.3f}<extra></extra>" });
  }
  return draw("chart-progress", traces, { ...sampleNote(figure), xaxis: axis("trial", { showgrid: false, ...(x.length < 12 ? { dtick: 1 } : {}) }), yaxis: axis("AP") });
}

/** Output channels of the 18 blocks, of the best trial and of the baseline. */
export function drawWidths(figure, levels) {
  if (!figure.best) return showPlaceholder("chart-widths", "There is no best architecture yet.");
  const x = figure.block.map((block, index) => `${block}<br>L${levels[index]}`);
  const bars = (name, y, colourName) => ({ x, y, name, type: "bar", marker: { color: colour(colourName) }, hovertemplate: `block %{x}<br>${name} %{y} channels<extra></extra>` });
  const traces = [bars("baseline", figure.baseline, "baseline"), bars(`best, trial ${figure.best_number}`, figure.best, "accent")];
  return draw("chart-widths", traces, { barmode: "group", bargap: 0.3, bargroupgap: 0.05,
    xaxis: axis("block and level", { type: "category", showgrid: false, tickangle: 0 }), yaxis: axis("channels") });
}

/** AP against a cost, divided by `unit`, one point per trial; the line joins the Pareto front, if `showsFront`. */
function drawCost(id, figure, { title, hover, unit, decimals, showsFront }) {
  if (!figure.reward.length) return showPlaceholder(id, "No reward yet.");
  const costs = figure.cost.map((cost) => cost / unit);
  const place = `${hover}<br>AP %{y:.3f}<extra></extra>`;
  const traces = [{ x: costs, y: figure.reward, text: figure.number.map(String), name: "trial", mode: "markers", type: "scatter",
    marker: { size: figure.number.length > 400 ? 4 : 7, color: colour("point"), opacity: 0.85 }, hovertemplate: `trial %{text}<br>${place}` }];
  if (showsFront) {
    const front = figure.front.map((number) => figure.number.indexOf(number));
    traces.push({ x: front.map((index) => costs[index]), y: front.map((index) => figure.reward[index]), text: figure.front.map(String), name: "front",
      mode: "lines+markers", type: "scatter", line: { shape: "hv", width: 2, color: colour("accent") }, marker: { size: 7, color: colour("accent") },
      hovertemplate: `trial %{text}, on the front<br>${place}` });
  }
  if (figure.baseline_reward !== null) {
    traces.push({ x: [figure.baseline_cost / unit], y: [figure.baseline_reward], name: "baseline", mode: "markers", type: "scatter",
      marker: { size: 11, symbol: "diamond", color: colour("baseline"), line: { width: 1, color: colour("text") } }, hovertemplate: `baseline<br>${place}` });
  }
  const middle = figure.baseline_cost === null ? (Math.min(...costs) + Math.max(...costs)) / 2 : figure.baseline_cost / unit;
  const halfRange = Math.max(MIN_HALF_RANGE * middle, 1.05 * (Math.max(...costs) - middle), 1.05 * (middle - Math.min(...costs)));
  const range = [middle - halfRange, middle + halfRange];
  return draw(id, traces, { ...sampleNote(figure), showlegend: false, xaxis: axis(title, { nticks: 6, tickformat: `,.${decimals}f`, range }), yaxis: axis("AP") });
}

export function drawMadds(figure) {
  const words = { title: "million multi-adds", hover: "%{x:,.1f} M multi-adds" };
  return drawCost("chart-madds", figure, { ...words, unit: 1e6, decimals: 0, showsFront: false }); // all trials meet one budget
}

export function drawParams(figure) {
  const words = { title: "million parameters", hover: "%{x:,.2f} M parameters" };
  return drawCost("chart-params", figure, { ...words, unit: 1e6, decimals: 1, showsFront: true });
}

export function drawLatency(figure) {
  const words = { title: "latency over the baseline's", hover: "%{x:.3f} of the baseline's latency" };
  return drawCost("chart-latency", figure, { ...words, unit: 1, decimals: 2, showsFront: true });
}

/** Probability of each multiplier for each block, in colours from the smallest to the largest probability. */
export function drawPolicy(figure) {
  const z = figure.choices.map((_, choice) => figure.probability.map((row) => row[choice]));
  const lowest = Math.min(...z.flat()), highest = Math.max(...z.flat(), lowest + MIN_PROBABILITIES);
  const traces = [{ type: "heatmap", x: figure.block.map(String), y: figure.choices.map(String), z, zmin: lowest, zmax: highest, xgap: 1, ygap: 1,
    colorscale: [[0, colour("heat-0")], [1, colour("heat-1")]], showscale: true,
    colorbar: { thickness: 10, outlinewidth: 0, tickfont: { size: 11, color: colour("muted") }, tickvals: [lowest, (lowest + highest) / 2, highest], tickformat: ".2f", len: 1 },
    hovertemplate: "block %{x}, multiplier %{y}<br>probability %{z:.3f}<extra></extra>" }];
  return draw("chart-policy", traces, { showlegend: false, xaxis: axis("block", { type: "category", showgrid: false, tickangle: 0 }), yaxis: axis("multiplier", { type: "category", showgrid: false }) });
}

/** The main metric of each evaluation of a training by step. */
export function drawMetric(evaluated, metric) {
  if (!evaluated.length) return showPlaceholder("chart-metric", "No evaluation yet.");
  const traces = [{ x: evaluated.map(({ step }) => step), y: evaluated.map(({ metrics }) => metrics[metric]), name: metric, mode: "lines+markers", type: "scatter",
    line: { width: 2, color: colour("accent") }, marker: { size: 7, color: colour("accent") }, hovertemplate: `step %{x}<br>${metric} %{y:.4f}<extra></extra>` }];
  return draw("chart-metric", traces, { showlegend: false, xaxis: axis("step", { showgrid: false }), yaxis: axis(metric) });
}

/** Each loss of a training by step. */
export function drawLosses(rows) {
  if (!rows.length) return showPlaceholder("chart-losses", "No step yet.");
  const x = rows.map(({ step }) => step), colours = ["accent", "point", "muted", "baseline"];
  const traces = Object.keys(rows[0].losses).map((name, index) => ({ x, y: rows.map(({ losses }) => losses[name]), name, mode: "lines", type: "scatter",
    line: { width: index ? 1.5 : 2, color: colour(colours[index % colours.length]), dash: index < colours.length ? "solid" : "dot" }, hovertemplate: `step %{x}<br>${name} %{y:.4g}<extra></extra>` }));
  return draw("chart-losses", traces, { xaxis: axis("step", { showgrid: false }), yaxis: axis("loss", { type: "log" }) });
}

/** Calls `redraw` when the colours of the page change. */
export function onColourScheme(redraw) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}
