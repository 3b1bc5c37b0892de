// The dialog that trains a trial of a campaign alone, on a whole data set. Its limits and defaults are those of the schema.

import { post } from "../http.js";
import { useResource } from "../resource.js";
import { link } from "../root.js";
import { html, useState } from "../ui.js";
import { Modal } from "../modal.js";

const STARTS = { fresh: "Fresh, from the seed", finals: "Those of the finals", shared: "Slice of the shared weights" };
const RESOURCES = [["cpus", "Processors"], ["gpus", "GPUs"], ["tpus", "TPU chips"]];

/** Trains `trial` of the campaign at `path`, or another one up to `lastTrial`, on `dataset` or another data set. */
export function TrainDialog({ campaignId, path, trial, lastTrial, dataset, onClose }) {
  const [number, setNumber] = useState(trial);
  const [refusal, setRefusal] = useState(null);
  const [isSending, setSending] = useState(false);
  const schema = useResource("/v1/schemas/training");
  const datasets = useResource("/v1/datasets");
  const exportable = useResource(`${path}/exports?trial=${number}`);
  const error = refusal ?? [schema, datasets, exportable].find((each) => each.error)?.error.message;
  const onNumber = ({ target }) => { if (target.reportValidity()) setNumber(target.valueAsNumber); };

  async function onSubmit(event) {
    event.preventDefault();
    setSending(true);
    try {
      const created = await post("/v1/trainings", { campaign_id: campaignId, ...requested(new FormData(event.target)) });
      location.assign(link(`/trainings/${encodeURIComponent(created.id)}`));
    } catch (refused) {
      setRefusal(refused.message);
      setSending(false);
    }
  }

  return html`<${Modal} title="Train a trial" kind="train" onClose=${onClose}>
    <form onSubmit=${onSubmit}>
      <p><label>Trial <input name="trial" type="number" min="0" max=${lastTrial} step="1" required value=${number} onChange=${onNumber} /></label></p>
      ${schema.data && html`<${Fields} schema=${schema.data} datasets=${datasets.data?.items ?? []} dataset=${dataset}
        kinds=${(exportable.data?.weights ?? []).map(({ kind }) => kind)} />`}
      <p class="muted">The service trains it beside the campaigns: on its own machine one training after another, or on its cluster.</p>
      ${error && html`<p class="banner" role="alert">${error}</p>`}
      <p class="actions">
        <button type="button" class="button" onClick=${onClose}>Cancel</button>
        <button class="button" disabled=${isSending || !schema.data}>Train</button>
      </p>
    </form>
  </${Modal}>`;
}

/** `kinds` are the weights that the trial has. */
function Fields({ schema: { properties, $defs: parts }, datasets, dataset, kinds }) {
  const { recipe, seed, start } = properties;
  const starts = start.enum.filter((each) => each === start.default || kinds.includes(each));
  const resources = parts.ResourcesSpec.properties;
  return html`
    <p><label>Recipe <select name="recipe">${recipe.examples.map((each) => html`<option value=${each}>${each}: ${recipe["x-about"][each]}</option>`)}</select></label></p>
    <p><label>Data set <select name="dataset" required>${datasets.map(({ name }) => html`<option selected=${name === dataset}>${name}</option>`)}</select></label></p>
    <p><label>Seed <input name="seed" type="number" step="1" required min=${seed.minimum} max=${seed.maximum} value=${seed.default} /></label></p>
    <p><label>Start weights <select name="start">${starts.map((each) => html`<option value=${each}>${STARTS[each] ?? each}</option>`)}</select></label></p>
    <fieldset><legend>Resources; empty: the service's share</legend>
      ${RESOURCES.map(([name, label]) => html`<p><label>${label} <${ResourceField} name=${name} property=${resources[name]} /></label></p>`)}
    </fieldset>`;
}

function ResourceField({ name, property }) {
  const { type, minimum, maximum } = property.anyOf?.[0] ?? property;
  return html`<input name=${name} type="number" min=${minimum} max=${maximum} step=${type === "integer" ? 1 : "any"} placeholder=${property.default ?? "share"} />`;
}

/** The fields of the request; an empty resource is left out, and gets its default. */
function requested(form) {
  const resources = RESOURCES.map(([name]) => [name, form.get(name)]).filter(([, text]) => text).map(([name, text]) => [name, Number(text)]);
  return {
    trial: Number(form.get("trial")), recipe: form.get("recipe"), dataset: form.get("dataset"), seed: Number(form.get("seed")),
    start: form.get("start"), resources: Object.fromEntries(resources),
  };
}
