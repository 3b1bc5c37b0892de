// What the finals say of one trial.

import { decimal, difference } from "../format.js";
import { seedsText, sureness } from "../gain.js";

/** `[mean AP, what the finals say]` of a finalist or the baseline; null for other trials. */
export function finalsFact(trial, { finals, verdict }) {
  if (trial.number === 0) return verdict.baseline_seeds ? [decimal(verdict.baseline_reward), `mean of ${seedsText(verdict.baseline_seeds)}`] : null;
  const found = verdict.comparisons.find((each) => each.trial === trial.number);
  if (!found) return null;
  if (found.reward === null) return ["–", "no seed in common with the baseline yet"];
  const word = finals.state !== "completed" ? "not decided yet" : found.trial === verdict.winner ? "confirmed winner" : found.word;
  return [decimal(found.reward), `${difference(found.reward, found.baseline_reward)} against the baseline, ${sureness({ ...found, seeds: found.pairs })}: ${word}`];
}
