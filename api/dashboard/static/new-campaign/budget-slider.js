// The budget on a logarithmic scale between the limits that the service gives, and presets that are parts of the base's.

import { compact, DIGITS, percent } from "../format.js";
import { html } from "../ui.js";

const STEPS = 1000;
const PRESETS = [["½ ×", 0.5], ["¾ ×", 0.75], ["as the base", 1], ["1½ ×", 1.5], ["2 ×", 2]];

/** The step of a value, from 0 at `least` to STEPS at `most`. */
export const stepOf = (value, { least, most }) => Math.round((STEPS * Math.log(value / least)) / Math.log(most / least));

/** The value of a step, in few digits and within the limits. */
export function valueAtStep(step, { least, most }) {
  const value = least * (most / least) ** (step / STEPS);
  return Math.min(most, Math.max(least, Math.round(Number(value.toPrecision(DIGITS)))));
}

export function BudgetSlider({ field, entry }) {
  const { range } = entry;
  if (range === null) return html`<p class="hint">The feasible range is shown once the search space is valid.</p>`;
  const entered = entry.read.valueAt(field.path);
  const value = typeof entered === "number" ? entered : range.of_base;
  const inside = Math.min(range.most, Math.max(range.least, value));
  const share = `${compact(value)}, ${percent(value / range.of_base, 0)} of the base`;
  const set = (budget) => (budget === range.of_base ? entry.reset(field.path) : entry.change(field.path, String(budget)));
  const onInput = (event) => {
    const step = event.currentTarget.valueAsNumber;
    set(step === stepOf(range.of_base, range) ? range.of_base : valueAtStep(step, range));
  };
  return html`<div class="budget">
    <input type="range" min="0" max=${STEPS} step="1" value=${stepOf(inside, range)} aria-label=${field.title} aria-valuetext=${share} onInput=${onInput} />
    <p class="budget-limits"><span>${compact(range.least)}</span><output>${share}</output><span>${compact(range.most)}</span></p>
    <p class="budget-presets">${PRESETS.map(([text, factor]) => {
      const budget = Math.round(factor * range.of_base);
      const isFeasible = budget >= range.least && budget <= range.most;
      return html`<button type="button" key=${text} class="plain" disabled=${!isFeasible} aria-pressed=${budget === value} onClick=${() => set(budget)}>${text}</button>`;
    })}</p>
  </div>`;
}
