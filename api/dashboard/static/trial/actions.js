// The heading of a trial, and what can be done with it.

import { CopyButton } from "../copy.js";
import { getText } from "../http.js";
import { link } from "../root.js";
import { shownState } from "../states.js";
import { html } from "../ui.js";

/** `onOpen` is called with the dialog to open, "exports" or "train". */
export function Actions({ path, campaign, trial, mayOperate, onOpen }) {
  return html`<header class="heading">
    <h1>${trial.number === 0 ? "Trial 0, the uniform baseline" : `Trial ${trial.number}`} <span class="state" data-state=${trial.state} role="status">${shownState(trial)}</span></h1>
    <p class="actions">
      ${trial.number > 0 && html`<a class="button" href=${link(`/compare?trials=${campaign.id}:0,${campaign.id}:${trial.number}`)}>Compare with the baseline</a>`}
      <button type="button" class="button" onClick=${() => onOpen("exports")}>Export</button>
      ${mayOperate && html`<button type="button" class="button" onClick=${() => onOpen("train")}>Train</button>`}
      <${CopyButton} kind="button" name="widths" load=${() => trial.widths.join(", ")}>Copy widths</${CopyButton}>
      <${CopyButton} kind="button" name="specification" load=${() => getText(`${path}/exports/spec?trial=${trial.number}`)}>Copy specification</${CopyButton}>
    </p>
  </header>`;
}
