// The page of one campaign: mounts its components.

import { byId } from "../dom.js";
import { html, render } from "../ui.js";
import { CampaignPage } from "./campaign-page.js";

const { id, mayOperate, limits, trialStates, mostReplayed } = byId("campaign").dataset;

/** What the template knows: `path` is that of the campaign's documents, `limits` those of fields that can be changed,
 * `mostReplayed` the number of rewards up to which the service replays a search. */
const page = {
  id,
  path: `/v1/campaigns/${encodeURIComponent(id)}`,
  mayOperate: mayOperate === "yes",
  limits: JSON.parse(limits),
  trialStates: trialStates.split(" "),
  mostReplayed: Number(mostReplayed),
};

byId("campaign").replaceChildren();
render(html`<${CampaignPage} page=${page} />`, byId("campaign"));
