// What the best trial of a campaign gains over the baseline, and how sure that is, as texts.

import { decimal, difference, signed } from "./format.js";

/** `gain` is the document of that name, as `gainOf` of a trial makes it, too. */
export const gainValue = (gain) => difference(gain.reward, gain.baseline_reward);

export const seedsText = (count) => `${count}\u00a0${count === 1 ? "seed" : "seeds"}`;

/** The interval of the finals, or the scatter that the figure or summary `search` (null until read) gives single rewards. */
export function sureness(gain, search) {
  if (gain.seeds === null) return scatterText(search);
  return gain.low === null ? seedsText(gain.seeds) : `95\u00a0% ${signed(gain.low)} to ${signed(gain.high)}, ${seedsText(gain.seeds)}`;
}

/** How much similar architectures differ (95 %, of a difference of two); where it is not known, what it takes. */
export function scatterText(search) {
  if (!search) return "scatter not read yet";
  if (search.gain_error === null) return `scatter not known (${search.noise_needs} architectures are needed)`;
  return `scatter ±${decimal(search.gain_error)}`;
}

export const verdictText = ({ is_confirmed: isConfirmed }) => (isConfirmed ? "confirmed" : "not confirmed");
