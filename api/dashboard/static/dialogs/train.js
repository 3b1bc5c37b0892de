// The dialog that trains a trial of a campaign alone, on a whole data set. What can be chosen is in the schema of trainings.

import { Modal } from "../modal.js";
import { repeatablePost } from "../repeatable-post.js";
import { useResource } from "../resource.js";
import { link } from "../root.js";
import { html, useRef, useState } from "../ui.js";

const RESOURCES = [["cpus", "Processors"], ["gpus", "GPUs"], ["tpus", "TPU chips"]];

/** Trains `trial` of the campaign at `path`, or another one up to `lastTrial`, on `dataset` or another data set. */
export function TrainDialog({ campaignId, path, trial, lastTrial, dataset, onClose }) {
  const [number, setNumber] = useState(trial);
  const [refusal, setRefusal] = useState(null);
  const [isSending, setSending] = useState(false);
  const post = useRef(repeatablePost());
  const schema = useResource("/v1/schemas/training");
  const datasets = useResource("/v1/datasets");
  const exportable = useResource(`${path}/exports?trial=${number}`);
  const trained = useResource(`/v1/trainings?state=completed&campaign_id=${encodeURIComponent(campaignId)}&limit=1000`);
  const error = refusal ?? [schema, datasets, exportable, trained].find((each) => each.error)?.error.message;
  const onNumber = ({ target }) => { if (target.reportValidity()) setNumber(target.valueAsNumber); };

  async function onSubmit(event) {
    event.preventDefault();
    setSending(true);
    try {
      const created = await post.current("/v1/trainings", { campaign_id: campaignId, ...requested(new FormData(event.target)) });
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
        kinds=${(exportable.data?.weights ?? []).map(({ kind }) => kind)}
        trainings=${(trained.data?.items ?? []).filter((each) => each.trial === number)} />`}
      <p class="muted">The service trains it beside the campaigns: on its own machine one training after another, or on its cluster.</p>
      ${error && html`<p class="banner" role="alert">${error}</p>`}
      <p class="actions">
        <button type="button" class="button" onClick=${onClose}>Cancel</button>
        <button class="button" disabled=${isSending || !schema.data}>Train</button>
      </p>
    </form>
  </${Modal}>`;
}

/** `kinds` are the weights that the trial has, `trainings` those of it that are completed. */
function Fields({ schema: { properties, $defs: parts }, datasets, dataset, kinds, trainings }) {
  const { task: tasks, recipe: { "x-tasks": recipesOf }, overrides, seed } = properties;
  const [task, setTask] = useState(tasks.default);
  const [recipe, setRecipe] = useState(null);
  const recipes = recipesOf[task];
  const chosen = recipes.find(({ name }) => name === recipe) ?? recipes[0];
  const resources = parts.ResourcesSpec.properties;
  return html`
    <p><label>Task <select name="task" onChange=${({ target }) => setTask(target.value)}>
      ${tasks.examples.map((each) => html`<option value=${each} selected=${each === task}>${each.replaceAll("-", " ")}</option>`)}
    </select></label></p>
    <p><label>Recipe <select name="recipe" onChange=${({ target }) => setRecipe(target.value)}>
      ${recipes.map(({ name, about }) => html`<option key=${`${task} ${name}`} value=${name} selected=${name === chosen.name}>${name}: ${about}</option>`)}
    </select></label></p>
    <p><label>Epochs <${NumberField} name="epochs" property=${overrides.properties.epochs} placeholder=${length(chosen)} /></label></p>
    <p><label>Data set <select name="dataset" required>${datasets.map(({ name }) => html`<option selected=${name === dataset}>${name}</option>`)}</select></label></p>
    <p><label>Seed <input name="seed" type="number" step="1" required min=${seed.minimum} max=${seed.maximum} value=${seed.default} /></label></p>
    <p><label>Start weights <${Start} start=${properties.start} kinds=${task === tasks.default ? kinds : []} trainings=${trainings} /></label></p>
    <fieldset><legend>Resources; empty: the service's share</legend>
      ${RESOURCES.map(([name, label]) => html`<p><label>${label} <${NumberField} name=${name} property=${resources[name]} placeholder=${resources[name].default ?? "share"} /></label></p>`)}
    </fieldset>`;
}

/** The weights of a trial are those of a detector, which other tasks start from by way of a training. */
function Start({ start, kinds, trainings }) {
  const offered = start.examples.filter((each) => each === start.default || kinds.includes(each));
  return html`<select name="start">
    ${offered.map((each) => html`<option key=${each} value=${each}>${start["x-about"][each]}</option>`)}
    ${trainings.map(({ id, name }) => html`<option key=${id} value=${id}>Those of ${name} (${id})</option>`)}
  </select>`;
}

/** The length of a recipe, which an empty field leaves as it is. */
function length({ epochs, steps }) {
  return epochs === undefined ? `${steps.toLocaleString("en")} steps` : epochs.toLocaleString("en");
}

function NumberField({ name, property, placeholder }) {
  const { type, minimum, maximum } = property.anyOf?.[0] ?? property;
  return html`<input name=${name} type="number" min=${minimum} max=${maximum} step=${type === "integer" ? 1 : "any"} placeholder=${placeholder} />`;
}

/** The fields of the request; what is empty is left out, and gets its default. */
function requested(form) {
  const filled = (names) => Object.fromEntries(names.map((name) => [name, form.get(name)]).filter(([, text]) => text).map(([name, text]) => [name, Number(text)]));
  return {
    trial: Number(form.get("trial")), task: form.get("task"), recipe: form.get("recipe"), overrides: filled(["epochs"]),
    dataset: form.get("dataset"), seed: Number(form.get("seed")), start: form.get("start"), resources: filled(RESOURCES.map(([name]) => name)),
  };
}
