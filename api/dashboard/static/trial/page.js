// The page of one trial.

import { byId } from "../dom.js";
import { useResource } from "../resource.js";
import { link } from "../root.js";
import { html, render } from "../ui.js";
import { Trial } from "./trial.js";

const { campaign: campaignId, number, mayOperate } = byId("trial").dataset;
const pageOf = (trial) => link(`/campaigns/${encodeURIComponent(campaignId)}/trials/${trial}`);

function TrialPage({ trial }) {
  const { data: campaign } = useResource(`/v1/campaigns/${encodeURIComponent(campaignId)}`);
  const hasNext = campaign !== null && trial < campaign.trials_begun - 1;
  return html`<nav class="trial-bar" aria-label="Trials of the campaign">
      <a href=${link(`/campaigns/${encodeURIComponent(campaignId)}`)}>${campaign?.name ?? "The campaign"}</a>
      ${trial > 0 && html`<a class="plain" rel="prev" href=${pageOf(trial - 1)}>Previous</a>`}
      ${hasNext && html`<a class="plain" rel="next" href=${pageOf(trial + 1)}>Next</a>`}
    </nav>
    <${Trial} campaignId=${campaignId} number=${trial} mayOperate=${mayOperate === "yes"} isPage onNumber=${(other) => location.assign(pageOf(other))} />`;
}

render(html`<${TrialPage} trial=${Number(number)} />`, byId("trial"));
