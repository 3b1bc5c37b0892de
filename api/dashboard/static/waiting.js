// The notice that campaigns wait because no supervisor is running.

import { byId, setText } from "./dom.js";
import { dateTime } from "./format.js";
import { getJson } from "./http.js";
import { CLAIMABLE } from "./states.js";

/** Shows the notice if a campaign needs a supervisor and none is alive; else hides it. */
export async function showWaiting(campaigns, singular = "a campaign waits") {
  const waiting = campaigns.filter((campaign) => CLAIMABLE.has(campaign.state)).length;
  const supervisors = waiting ? (await getJson("/readyz")).supervisors : null;
  const isUnsupervised = supervisors !== null && !supervisors.some((supervisor) => supervisor.is_alive);
  byId("waiting").hidden = !isUnsupervised;
  if (!isUnsupervised) return;
  const last = supervisors.length ? ` The last one was seen ${dateTime(supervisors[0].seen_at)} on ${supervisors[0].host}.` : "";
  const subject = waiting === 1 ? singular : `${waiting} campaigns wait`;
  setText("waiting", `No supervisor is running, so ${subject}. Start one with "effspine supervisor".${last}`);
}
