// Whether campaigns wait because nobody runs them.

import { byId, say } from "./dom.js";
import { moment } from "./format.js";
import { getJson } from "./http.js";

const WANTING = new Set(["pending", "running", "pausing", "stopping"]);

/** Shows or hides the notice that no supervisor is alive; it says nothing where no campaign wants one. */
export async function showWaiting(campaigns, one = "a campaign waits") {
  const waiting = campaigns.filter((campaign) => WANTING.has(campaign.state)).length;
  const supervisors = waiting ? (await getJson("/readyz")).supervisors : null;
  const isAlone = supervisors !== null && !supervisors.some((supervisor) => supervisor.is_alive);
  byId("waiting").hidden = !isAlone;
  if (!isAlone) return;
  const last = supervisors.length ? ` The last one was seen ${moment(supervisors[0].seen_at)} on ${supervisors[0].host}.` : "";
  const who = waiting === 1 ? one : `${waiting} campaigns wait`;
  say("waiting", `No supervisor is running, so ${who}. Start one with "effspine supervisor".${last}`);
}
