// Draws the figures of a training from the numbers that the service computes.

import { byId, element } from "./dom.js";

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
