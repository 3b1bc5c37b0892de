// The best reward so far as a small line, with the baseline as a dashed one.

import { decimal } from "../format.js";
import { html } from "../ui.js";

const WIDTH = 112, HEIGHT = 26, MARGIN = 3;
const LEAST_RANGE = 0.004; // AP: less is drawn as what it is, a flat line

export function Spark({ values, baseline }) {
  if (!values?.length) return html`<span class="muted">–</span>`;
  const known = baseline === null ? values : [...values, baseline];
  const lowest = Math.min(...known), highest = Math.max(...known);
  const range = Math.max(highest - lowest, LEAST_RANGE), low = (lowest + highest - range) / 2;
  const y = (value) => HEIGHT - MARGIN - ((value - low) / range) * (HEIGHT - 2 * MARGIN);
  const x = (index) => (values.length === 1 ? 0 : (index / (values.length - 1)) * WIDTH);
  const points = values.length === 1 ? `0,${y(values[0])} ${WIDTH},${y(values[0])}` : values.map((value, index) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  const label = `Best so far: ${decimal(values[0])} to ${decimal(values.at(-1))}${baseline === null ? "" : `, baseline ${decimal(baseline)}`}`;
  return html`<svg class="spark-line" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label=${label}>
    ${baseline !== null && html`<line x1="0" x2=${WIDTH} y1=${y(baseline)} y2=${y(baseline)} />`}
    <polyline points=${points} />
  </svg>`;
}
