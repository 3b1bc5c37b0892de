// What a campaign will cost, in the dialog that starts it. api/cli/campaign/estimates.py has the same rule.

import { onReconnected } from "../connection.js";
import { deviceTime, duration } from "../format.js";
import { DisconnectedError, post } from "../http.js";
import { html, useEffect, useState } from "../ui.js";

const UNKNOWN = "What it will cost is not known yet: no trial of its proxy task has been measured here.";

/** Time and device time of shared training, trials and finals, as a sentence. */
export function costSentence(estimate) {
  if (estimate.wall_seconds === null || estimate.device_hours === null) return UNKNOWN;
  const parts = [["shared training", estimate.shared_training], ["finals", estimate.finals]].filter(([, part]) => part !== null);
  const total = (name) => parts.reduce((sum, [, part]) => sum + (part[name] ?? 0), estimate[name]);
  const unknown = parts.filter(([, part]) => part.wall_seconds === null).map(([name]) => name);
  const without = unknown.length ? `, its ${unknown.join(" and its ")} not counted` : "";
  return `It will take about ${duration(total("wall_seconds"))} and ${deviceTime(total("device_hours"))}${without}.`;
}

export function StartCost({ campaign: { spec } }) {
  const [text, setText] = useState(null);
  useEffect(() => {
    let isLatest = true;
    const ask = () => post("/v1/campaigns/estimate", spec)
      .then((estimate) => isLatest && setText(costSentence(estimate)))
      .catch((error) => { if (isLatest) setText(error instanceof DisconnectedError ? "What it will cost is not known: the service does not respond." : error.message); });
    ask();
    const stopListening = onReconnected(ask);
    return () => { isLatest = false; stopListening(); };
  }, []);
  return text === null ? html`<p class="cost muted" aria-busy="true">Estimating …</p>` : html`<p class="cost" role="status">${text}</p>`;
}
