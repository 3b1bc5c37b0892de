// What the best trial of a campaign gains over the baseline, and how sure that is, as texts.

import { counted, decimal, difference, signed } from "./format.js";

// The smallest margin of error that three digits show.
const SMALLEST_SHOWN = 0.001;

/** `gain` is the document of that name, as `gainOf` of a trial makes it, too. */
export const gainValue = (gain) => difference(gain.reward, gain.baseline_reward);

export const seedsText = (count) => counted(count, "seed");

/** The interval of the finals, or the margin of error of single rewards in the figure or summary `search` (null until read). */
export function sureness(gain, search) {
  if (gain.seeds === null) return `95\u00a0% margin of error ${marginText(search)}`;
  return gain.low === null ? seedsText(gain.seeds) : `95\u00a0% ${signed(gain.low)} to ${signed(gain.high)}, ${seedsText(gain.seeds)}`;
}

/** The 95 % margin of error of a difference of two single rewards; where it is not known, what it takes. */
export function marginText(search) {
  if (!search) return "not read yet";
  if (search.gain_error === null) return `not known (noise not resolved; it takes ${search.noise_needs} architectures or more)`;
  return search.gain_error < SMALLEST_SHOWN / 2 ? `less than ±${decimal(SMALLEST_SHOWN)}` : `±${decimal(search.gain_error)}`;
}

export const verdictText = ({ is_confirmed: isConfirmed }) => (isConfirmed ? "confirmed" : "not confirmed");
