// In the dialog of finals: what they are trained with, and what that will cost.

import { onReconnected } from "../connection.js";
import { deviceTime, duration } from "../format.js";
import { DisconnectedError, post } from "../http.js";
import { useResource } from "../resource.js";
import { html, useEffect, useState } from "../ui.js";
import { trainedWith } from "./finals.js";

const DELAY_MS = 400;

/** `entered` has the values of the dialog; null while one of them is out of its limits. */
export function FinalsTraining({ campaign, entered }) {
  const { finals, spec } = campaign;
  return html`
    ${finals ? html`<p>Trained with the ${trainedWith(finals.task)}, as before: rewards of other trainings could not be compared.</p>`
      : spec.dataset !== null && html`<${Recipe} wanted=${spec.finals} />`}
    <${Cost} campaign=${campaign} entered=${entered} />`;
}

/** The choice between the profile, whose value is empty, and the recipes; `wanted` are the finals of the specification. */
function Recipe({ wanted }) {
  const { data: campaigns } = useResource("/v1/schemas/campaign");
  const { data: trainings } = useResource("/v1/schemas/training");
  if (!campaigns || !trainings) return html`<p class="muted" aria-busy="true">Reading the recipes …</p>`;
  const { recipe } = trainings.properties;
  const profile = wanted?.profile ?? campaigns.$defs.FinalsSpec.properties.profile["x-null"];
  return html`<p><label class="stacked">Train with <select name="recipe">
    <option value="" selected=${!wanted?.recipe}>the profile: ${profile}</option>
    <optgroup label="A recipe, on all images">
      ${recipe.examples.map((name) => html`<option key=${name} value=${name} selected=${name === wanted?.recipe}>${name}: ${recipe["x-about"][name]}</option>`)}
    </optgroup>
  </select></label></p>`;
}

/** The fields that a request for finals changes; no `recipe` leaves what they are trained with, an empty one is the profile. */
export function finalsRequest({ recipe, ...counts }, { spec }) {
  if (recipe === undefined || recipe === (spec.finals?.recipe ?? "")) return counts;
  return recipe === "" ? { ...counts, recipe: null } : { ...counts, recipe, profile: null };
}

/** The trainings that are left to do, and how long they will take; or why the service would refuse them. */
function Cost({ campaign, entered }) {
  const answer = useEstimate(campaign, entered);
  if (answer === null) return html`<p class="cost muted" aria-busy="true">Estimating …</p>`;
  if (answer.refusal) return html`<p class="cost" role="status">${answer.refusal}</p>`;
  const { trainings, wall_seconds: wall, device_hours: hours } = answer.estimate;
  const done = campaign.finals?.runs_finished ?? 0, left = Math.max(0, trainings - done);
  const counted = `${left.toLocaleString("en")} ${left === 1 ? "training" : "trainings"}${done ? `, besides ${done.toLocaleString("en")} that are done` : ""}`;
  const share = left / trainings;
  const time = wall === null ? "How long they take is not known: none like them has been trained here."
    : `About ${duration(share * wall)}, ${deviceTime(share * hours)}.`;
  return html`<p class="cost" role="status">${counted}. ${left > 0 && html`<span class="muted">${time}</span>`}</p>`;
}

/** The estimate of the finals that are entered, shortly after each change, or the refusal; null before the first. */
function useEstimate(campaign, entered) {
  const [answer, setAnswer] = useState(null);
  const finals = entered && JSON.stringify({ ...campaign.spec.finals, ...finalsRequest(withEarlier(entered, campaign), campaign) });
  useEffect(() => {
    if (finals === null) return;
    let isLatest = true;
    const ask = () => post("/v1/campaigns/estimate", { ...campaign.spec, finals: JSON.parse(finals) })
      .then((found) => isLatest && setAnswer({ estimate: found.finals }))
      .catch((error) => { if (isLatest && !(error instanceof DisconnectedError)) setAnswer({ refusal: error.message }); });
    const timer = setTimeout(ask, answer === null ? 0 : DELAY_MS);
    const stopListening = onReconnected(ask);
    return () => { isLatest = false; clearTimeout(timer); stopListening(); };
  }, [finals]);
  return answer;
}

/** Finalists and seeds only grow. */
const withEarlier = (entered, { finals }) => ({
  ...entered, top: Math.max(entered.top, finals?.finalists.length ?? 0), seeds: Math.max(entered.seeds, finals?.seeds.length ?? 0),
});
