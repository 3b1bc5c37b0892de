// The figures at the head of a campaign's page: what the best gains, how large it is, and whether the search goes on.

import { byId, setText } from "./dom.js";
import { isInFinals } from "./finals.js";
import { decimal, millions, percent, signed } from "./format.js";
import { FINISHED, STOPPABLE } from "./states.js";

/** The gain of the first in the finals, as they have measured it, or else that of the highest reward. */
export function showGain(campaign, report, gainError) {
  const { best_reward: reward, baseline_reward: baseline } = campaign;
  const found = report?.verdict.comparisons.find(({ trial }) => trial === campaign.finals.best);
  if (found) {
    setText("gain", signed(found.mean));
    setText("gain-note", `${found.trial === campaign.finals.winner ? "confirmed" : "not confirmed"}: trial ${found.trial}, 95\u00a0% ${signed(found.low)} to ${signed(found.high)}`);
    return;
  }
  const gain = reward === null || baseline === null ? null : reward - baseline;
  const relative = gain && baseline > 0 ? `, ${signed((100 * gain) / baseline, 0)}\u00a0%` : "";
  const noise = gain && gainError ? `, noise \u00b1${decimal(gainError)}` : "";
  setText("gain", campaign.best_trial === 0 ? "none yet" : signed(gain));
  setText("gain-note", baseline === null ? "" : `baseline ${decimal(baseline)}${relative}${noise}${gain ? ", not confirmed" : ""}`);
}

/** Whether the search still finds anything; offers to stop one that does not. */
export function showSearch(campaign, { sentence, entropy, has_collapsed: hasCollapsed, is_on_plateau: isOnPlateau }) {
  setText("search-note", campaign.trials_finished ? `${sentence}; entropy of the policy ${percent(entropy)}.` : "");
  const isStuck = !FINISHED.has(campaign.state) && !isInFinals(campaign) && (hasCollapsed || isOnPlateau);
  byId("search-note").classList.toggle("stuck", isStuck);
  byId("search-stop").hidden = !isStuck || !STOPPABLE.has(campaign.state);
}

/** The parameters of the best, and how many more or fewer than the baseline has. */
export function showParams(best, baseline) {
  setText("params", best ? millions(best.params, 2) : "–");
  const change = best && baseline && best.number !== 0 ? `${signed(100 * (best.params / baseline.params - 1), 0)}\u00a0% against the baseline, ` : "";
  setText("params-note", best ? `${change}${percent(best.madds_ratio)} of the multi-adds` : "");
}
