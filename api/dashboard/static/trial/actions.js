// The heading of a trial, and what can be done with it.

import { CopyButton } from "../copy.js";
import { ExportDialog } from "../dialogs/exports.js";
import { TrainDialog } from "../dialogs/train.js";
import { getText } from "../http.js";
import { link } from "../root.js";
import { html, useState } from "../ui.js";

export function Actions({ path, campaign, trial, mayOperate }) {
  const [open, setOpen] = useState(null);
  const last = campaign.trials_begun - 1;
  const close = () => setOpen(null);
  return html`<header class="heading">
    <h1>${trial.number === 0 ? "Trial 0, the uniform baseline" : `Trial ${trial.number}`} <span class="state" data-state=${trial.state} role="status">${trial.state}</span></h1>
    <p class="actions">
      ${trial.number > 0 && html`<a class="button" href=${link(`/compare?trials=${campaign.id}:0,${campaign.id}:${trial.number}`)}>Compare with the baseline</a>`}
      <button type="button" class="button" onClick=${() => setOpen("exports")}>Export</button>
      ${mayOperate && html`<button type="button" class="button" onClick=${() => setOpen("train")}>Train</button>`}
      <${CopyButton} kind="button" name="widths" load=${() => trial.widths.join(", ")}>Copy widths</${CopyButton}>
      <${CopyButton} kind="button" name="specification" load=${() => getText(`${path}/exports/spec?trial=${trial.number}`)}>Copy specification</${CopyButton}>
    </p>
    ${open === "exports" && html`<${ExportDialog} path=${path} trial=${trial.number} lastTrial=${last} mayOperate=${mayOperate} onClose=${close} />`}
    ${open === "train" && html`<${TrainDialog} campaignId=${campaign.id} path=${path} trial=${trial.number} lastTrial=${last} dataset=${campaign.spec.dataset} onClose=${close} />`}
  </header>`;
}
