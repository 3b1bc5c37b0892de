// The notice that campaigns wait because no supervisor is running.

import { byId, setText } from "./dom.js";
import { dateTime } from "./format.js";
import { getJson } from "./http.js";
import { CLAIMABLE } from "./states.js";

/** The notice if one of the campaigns needs a supervisor and none is alive, else null. `supervisors` is the list of the
 * service, null until it has been read; `singular` says that a single campaign waits.
 */
export function waitingNotice(campaigns, supervisors, singular) {
  const waiting = campaigns.filter((campaign) => CLAIMABLE.has(campaign.state)).length;
  if (!waiting || supervisors === null || supervisors.some(({ is_alive: isAlive }) => isAlive)) return null;
  const last = supervisors.length ? ` The last one was seen ${dateTime(supervisors[0].seen_at)} on ${supervisors[0].host}.` : "";
  const subject = waiting === 1 ? singular : `${waiting} campaigns wait`;
  return `No supervisor is running, so ${subject}. Start one with "effspine supervisor".${last}`;
}

/** Shows the notice on the list of campaigns, or hides it. */
export async function showWaiting(campaigns) {
  const needsOne = campaigns.some((campaign) => CLAIMABLE.has(campaign.state));
  const notice = waitingNotice(campaigns, needsOne ? (await getJson("/readyz")).supervisors : null, "a campaign waits");
  byId("waiting").hidden = notice === null;
  setText("waiting", notice ?? "");
}
