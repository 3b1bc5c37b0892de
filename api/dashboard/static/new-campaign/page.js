// The page of a new campaign: reads the schema, the lists that fields choose from and the campaign to copy, and mounts the form.

import { byId } from "../dom.js";
import { counted } from "../format.js";
import { getJson } from "../http.js";
import { html, render } from "../ui.js";
import { schemaFields } from "./fields.js";
import { CampaignForm } from "./form.js";
import { valuesOf } from "./values.js";

const COPY = " copy";
const place = byId("new-campaign");
const { from, datasetCommands, url, defaultUrl, needsKey } = place.dataset;

/** A data set's name and what stands in its way. */
const option = ({ name, is_there: isThere, warnings }) => ({
  name, note: !isThere ? "its directory is gone" : warnings === null ? "not checked" : warnings > 0 ? `${counted(warnings, "kind")} of warnings` : null,
});

/** The profile whose trials are not trained, as the schema's defaults by profile say. */
function profileWithoutData(fields) {
  const { defaults } = fields.find(({ path }) => path === "proxy_task.kind");
  return Object.keys(defaults.values).find((profile) => defaults.values[profile] === "synthetic");
}

async function mount() {
  const [schema, datasets, original] = await Promise.all([
    getJson("/v1/schemas/campaign"), getJson("/v1/datasets"), from ? getJson(`/v1/campaigns/${encodeURIComponent(from)}`) : null,
  ]);
  const fields = schemaFields(schema);
  const valuesOfOriginal = original && valuesOf(fields, original.spec);
  const name = original && `${original.name.slice(0, schema.properties.name.maxLength - COPY.length)}${COPY}`;
  const page = {
    datasetCommands, valuesOfOriginal, profileWithoutData: profileWithoutData(fields),
    service: { url, defaultUrl, needsKey: needsKey === "yes" },
  };
  const names = { "/v1/datasets": datasets.items.map(option) };
  place.replaceChildren();
  render(html`<${CampaignForm} ...${{ page, schema, fields, names, original }} initial=${original ? { ...valuesOfOriginal, name } : {}} />`, place);
}

try {
  await mount();
} catch (error) {
  byId("error").hidden = false;
  byId("error").textContent = `The form cannot be shown: ${error.message}. Reload the page once the service responds.`;
  byId("loading").hidden = true;
}
