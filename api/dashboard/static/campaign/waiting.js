// Why a campaign does not go on by itself, or waits: no supervisor is running, or something is missing.

import { html } from "../ui.js";
import { waitingNotice } from "../waiting.js";

/** `supervisors` is the list of the service, null until it has been read. */
export function Waiting({ campaign, supervisors }) {
  const notice = waitingNotice([campaign], supervisors, "this campaign waits");
  return html`${notice && html`<p class="banner" role="status">${notice}</p>`}
    ${campaign.waiting_for && html`<p class="banner" role="status">${`The campaign waits and continues by itself: ${campaign.waiting_for}`}</p>`}`;
}
