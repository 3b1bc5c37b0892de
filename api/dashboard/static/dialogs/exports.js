// The export dialog: what each format is for, the weights that a trial has, and files that a process makes.

import { post } from "../http.js";
import { useResource } from "../resource.js";
import { html, useEffect, useState } from "../ui.js";
import { FormatRow } from "./format-row.js";
import { Modal } from "../modal.js";

const POLL_MS = 1000;
const NAMES = { finals: "Trained in the finals", shared: "Slice of the shared weights", initial: "Initial, untrained", training: "Trained" };

/** Whether its file is made, has failed or was removed; otherwise a process makes it or will. */
export const hasEnded = ({ finished_at: finishedAt }) => finishedAt !== null;

/**
 * Exports of the campaign or the training at `path`; of a campaign, of `trial`, which can be changed up to `lastTrial`. A
 * training has neither. `mayOperate` says whether files can be requested.
 */
export function ExportDialog({ path, trial = null, lastTrial = null, mayOperate, onClose }) {
  const [number, setNumber] = useState(trial);
  const [kind, setKind] = useState(null);
  const [refusal, setRefusal] = useState(null);
  const [isWaiting, setWaiting] = useState(false);
  const formats = useResource("/v1/export-formats");
  const found = useResource(`${path}/exports${number === null ? "" : `?trial=${number}`}`, isWaiting ? POLL_MS : null);
  const { weights = [], exports = [] } = found.data ?? {};
  const chosen = weights.find((each) => each.kind === kind) ?? weights[0];
  const known = (format) => exports.find((each) => each.format === format.name && each.weights === chosen.kind && each.about === chosen.about);
  useEffect(() => setWaiting(exports.some((each) => !hasEnded(each))), [found.data]);

  async function request(format) {
    try {
      await post(`${path}/exports`, { format: format.name, ...(number === null ? {} : { trial: number, weights: chosen.kind }) });
      setRefusal(null);
      await found.refresh();
    } catch (error) {
      setRefusal(error.message);
    }
  }

  const title = trial === null ? "Export the best model" : "Export a trial";
  const error = refusal ?? found.error?.message ?? formats.error?.message;
  const status = exports.length && chosen ? (formats.data?.items ?? []).filter(known).map((format) => `${format.name} is ${known(format).state}`).join(", ") : "";
  return html`<${Modal} title=${title} kind="exports" onClose=${onClose}>
    ${trial !== null && html`<${TrialField} number=${number} last=${lastTrial} onNumber=${setNumber} onInvalid=${setRefusal} />`}
    <fieldset><legend>Weights, for formats that have them</legend>
      ${weights.map((each) => html`<label key=${each.kind}>
        <input type="radio" name="export-weights" checked=${each === chosen} onChange=${() => setKind(each.kind)} />
        <span><strong>${NAMES[each.kind]}</strong><small>${each.about}</small></span>
      </label>`)}
    </fieldset>
    ${error && html`<p class="banner" role="alert">${error}</p>`}
    <ul aria-label="Formats">
      ${chosen && (formats.data?.items ?? []).map((format) => html`<${FormatRow} key=${format.name} format=${format} found=${known(format)}
        address=${`${path}/exports/${format.name}${number === null ? "" : `?trial=${number}`}`} mayOperate=${mayOperate} onRequest=${() => request(format)} />`)}
    </ul>
    <p class="visually-hidden" role="status">${status}</p>
    <p class="muted">Files that are not there yet are made by a process of their own, one after another; they stay until room is needed, and can be made again.</p>
    <p class="actions"><button type="button" class="button" onClick=${onClose}>Close</button></p>
  </${Modal}>`;
}

function TrialField({ number, last, onNumber, onInvalid }) {
  const onChange = ({ target }) => {
    const isValid = target.checkValidity();
    onInvalid(isValid ? null : `Trial: ${target.validationMessage}`);
    if (isValid) onNumber(target.valueAsNumber);
  };
  return html`<p><label>Trial <input type="number" min="0" max=${last} step="1" required value=${number} onChange=${onChange} /></label></p>`;
}
