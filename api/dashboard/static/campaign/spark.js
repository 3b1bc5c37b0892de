// A small bar chart, with the values as its accessible text.

import { html } from "../ui.js";

const STEP = 8, HEIGHT = 24;

export function Spark({ values }) {
  const largest = Math.max(...values, 1);
  const bar = (value) => Math.max(1, (value / largest) * HEIGHT);
  const path = values.map((value, index) => `M${STEP * index + 1} ${HEIGHT}v${-bar(value)}h${STEP - 2}v${bar(value)}z`).join("");
  return html`<svg class="spark" viewBox=${`0 0 ${values.length * STEP} ${HEIGHT}`} role="img" aria-label=${values.join(" ")}><path d=${path} /></svg>`;
}
