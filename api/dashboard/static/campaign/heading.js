// The heading of a campaign: its name, state, id, tags, what it runs, and what can be done with it.

import { dateTime } from "../format.js";
import { link } from "../root.js";
import { stopReasonTitle } from "../titles.js";
import { html, useEffect } from "../ui.js";
import { CopyButton } from "../copy.js";
import { StatePill } from "./state-pill.js";

export function Heading({ campaign, isStale, children }) {
  const { spec, state, name } = campaign;
  useEffect(() => {
    const progress = `${campaign.trials_finished}/${spec.trials}`;
    document.title = `${isStale ? "disconnected" : state} ${progress} · ${name} – effspine`;
  }, [isStale, state, name, campaign.trials_finished, spec.trials]);
  return html`<div class="heading">
    <div class="of-campaign">
      <h1><span>${name}</span> <${StatePill} state=${state} isStale=${isStale} />
        ${campaign.archived && html` <span class="state archived">archived</span>`}
        ${spec.proxy_task.profile === "synthetic" && html` <span class="state synthetic">synthetic reward, no training</span>`}</h1>
      <p class="muted">${facts(campaign).join(" · ")}${spec.dataset && html` · <a href=${link(`/datasets/${encodeURIComponent(spec.dataset)}`)}>data set ${spec.dataset}</a>`}</p>
      <p class="identity"><code>${campaign.id}</code> <${CopyButton} text=${campaign.id} name="the id" />
        ${campaign.tags.map((tag) => html`<span class="tag" key=${tag}>${tag}</span>`)}</p>
    </div>
    ${children}
  </div>`;
}

function facts(campaign) {
  const { spec } = campaign;
  return [
    `profile ${spec.proxy_task.profile}`,
    `${spec.controller.policy ?? spec.controller.algorithm} controller`,
    spec.objective.minimise && `also less ${spec.objective.minimise}`,
    campaign.data && `data ${campaign.data.sha256.slice(0, 12)}`,
    `seed ${spec.seed}`,
    `${spec.parallelism} at a time`,
    campaign.stopped_because && stopReasonTitle(campaign.stopped_because, spec.stop),
    campaign.reheated_trials > 0 && `re-heated for ${campaign.reheated_trials} trials`,
    campaign.started_at ? `started ${dateTime(campaign.started_at)}` : `created ${dateTime(campaign.created_at)}`,
  ].filter(Boolean);
}
