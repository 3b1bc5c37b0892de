// One trial in a drawer at the side of a campaign's page.

import { Modal } from "../modal.js";
import { useResource } from "../resource.js";
import { link } from "../root.js";
import { html } from "../ui.js";
import { Trial } from "./trial.js";

/** `onNumber` is called with the number of another trial to show. */
export function TrialDrawer({ campaignId, number, mayOperate, onClose, onNumber }) {
  const path = `/v1/campaigns/${encodeURIComponent(campaignId)}`;
  const { data: campaign } = useResource(path);
  const last = campaign ? campaign.trials_begun - 1 : number;
  return html`<${Modal} title=${`Trial ${number}`} kind="trial-drawer" isBare onClose=${onClose}>
    <div class="trial-bar">
      <button type="button" class="plain" disabled=${number <= 0} onClick=${() => onNumber(number - 1)}>Previous</button>
      <button type="button" class="plain" disabled=${number >= last} onClick=${() => onNumber(number + 1)}>Next</button>
      <a class="plain" href=${link(`/campaigns/${encodeURIComponent(campaignId)}/trials/${number}`)}>Open as a page</a>
      <button type="button" class="plain trial-close" autofocus onClick=${onClose}>Close</button>
    </div>
    <${Trial} key=${number} campaignId=${campaignId} number=${number} mayOperate=${mayOperate} onNumber=${onNumber} />
  </${Modal}>`;
}
