// Why a campaign does not go on by itself, or waits: no supervisor is running, or something is missing.

import { dateTime } from "../format.js";
import { CLAIMABLE } from "../states.js";
import { html } from "../ui.js";

/** `supervisors` is the list of the service, null until it has been read. */
export function Waiting({ campaign, supervisors }) {
  const isUnsupervised = CLAIMABLE.has(campaign.state) && supervisors !== null && !supervisors.some(({ is_alive: isAlive }) => isAlive);
  const last = isUnsupervised && supervisors.length ? ` The last one was seen ${dateTime(supervisors[0].seen_at)} on ${supervisors[0].host}.` : "";
  return html`${isUnsupervised && html`<p class="banner" role="status">${`No supervisor is running, so this campaign waits. Start one with "effspine supervisor".${last}`}</p>`}
    ${campaign.waiting_for && html`<p class="banner" role="status">${`The campaign waits and continues by itself: ${campaign.waiting_for}`}</p>`}`;
}
