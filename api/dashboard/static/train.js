// The dialog that trains a trial of a campaign alone, on a whole data set.

import { byId, element, setText } from "./dom.js";
import { getJson, post } from "./http.js";
import { link } from "./root.js";

const STARTS = { fresh: "Fresh, from the seed", finals: "Those of the finals", shared: "Slice of the shared weights" };

/** Prepares the dialog of a campaign; returns the function that opens it for a trial. */
export function trainDialog(id, path) {
  let loads = 0;

  function fail(error) {
    byId("train-error").hidden = !error;
    if (error) setText("train-error", error.message);
  }

  const options = (values, chosen) => values.map(([value, text]) => element("option", { value, selected: value === chosen }, text));

  /** Lists the start weights that the trial has. */
  async function showStarts() {
    const number = ++loads;
    try {
      const { weights } = await getJson(`${path}/exports?trial=${byId("train-trial").valueAsNumber}`);
      if (number !== loads) return; // another trial was chosen meanwhile
      const kinds = ["fresh", ...weights.map(({ kind }) => kind).filter((kind) => kind in STARTS)];
      byId("train-start").replaceChildren(...options(kinds.map((kind) => [kind, STARTS[kind]]), byId("train-start").value));
      fail(null);
    } catch (error) {
      if (number === loads) fail(error);
    }
  }

  async function showDatasets(chosen) {
    try {
      const { items } = await getJson("/v1/datasets");
      byId("train-dataset").replaceChildren(...options(items.map(({ name }) => [name, name]), chosen));
    } catch (error) {
      fail(error);
    }
  }

  byId("train-trial").addEventListener("change", showStarts);
  byId("train-cancel").addEventListener("click", () => byId("train-dialog").close());
  byId("train-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = {
      campaign_id: id, trial: byId("train-trial").valueAsNumber, recipe: byId("train-recipe").value,
      dataset: byId("train-dataset").value || null, seed: byId("train-seed").valueAsNumber, start: byId("train-start").value,
    };
    try {
      const created = await post("/v1/trainings", body);
      location.assign(link(`/trainings/${encodeURIComponent(created.id)}`));
    } catch (error) {
      fail(error);
    }
  });

  return (best, last, dataset) => {
    byId("train-trial").value = best;
    byId("train-trial").max = last;
    fail(null);
    byId("train-dialog").showModal();
    showDatasets(dataset);
    showStarts();
  };
}
