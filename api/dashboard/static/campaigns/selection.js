// What can be done with the selected campaigns: compare them, archive them, delete them.

import { ARCHIVE, DELETE, UNARCHIVE } from "../archive.js";
import { Modal } from "../modal.js";
import { link } from "../root.js";
import { DELETABLE } from "../states.js";
import { html, useState } from "../ui.js";

const FEWEST = 2;

const named = (campaigns) => (campaigns.length === 1 ? `“${campaigns[0].name}”` : `${campaigns.length} campaigns`);

function Confirmation({ action, campaigns, onClose, onConfirm }) {
  const { verb, text } = action;
  return html`<${Modal} title=${`${verb} ${named(campaigns)}?`} onClose=${onClose}>
    ${campaigns.length > 1 && html`<ul class="names">${campaigns.map(({ id, name }) => html`<li key=${id}>${name}</li>`)}</ul>`}
    <p>${text}</p>
    <p class="actions"><button type="button" class="button" autofocus onClick=${onClose}>Cancel</button>
      <button type="button" class=${kindOf(action)} onClick=${onConfirm}>${verb}</button></p>
  </${Modal}>`;
}

const kindOf = (action) => `button ${action === DELETE ? "danger" : ""}`;

/** The bar under the filter. `onDone` is called with the ids that an action has succeeded for, and the errors of the others. */
export function Selection({ campaigns, mayOperate, most, onClear, onDone }) {
  const [asked, setAsked] = useState(null), [isBusy, setBusy] = useState(false);
  if (!campaigns.length) return null;
  const confirm = async () => {
    setAsked(null);
    setBusy(true);
    const results = await Promise.allSettled(campaigns.map(({ id }) => asked.send(`/v1/campaigns/${encodeURIComponent(id)}`)));
    setBusy(false);
    onDone(campaigns.filter((_, index) => results[index].status === "fulfilled").map(({ id }) => id), results.flatMap(({ reason }) => (reason ? [reason.message] : [])));
  };
  const isComparable = campaigns.length >= FEWEST && campaigns.length <= most;
  const offered = [
    campaigns.some(({ archived }) => !archived) && ARCHIVE,
    campaigns.every(({ archived }) => archived) && UNARCHIVE,
    campaigns.every(({ state }) => DELETABLE.has(state)) && DELETE,
  ].filter((each) => each && mayOperate);
  return html`<div class="card selection" role="group" aria-label="Selected campaigns">
    <span role="status">${campaigns.length} selected</span>
    ${isComparable
      ? html`<a class="button" href=${link(`/compare?campaigns=${campaigns.map(({ id }) => encodeURIComponent(id)).join(",")}`)}>Compare</a>`
      : html`<span class="muted">${campaigns.length < FEWEST ? "Select another to compare." : `At most ${most} can be compared.`}</span>`}
    ${offered.map((action) => html`<button type="button" key=${action.verb} class=${kindOf(action)} disabled=${isBusy} onClick=${() => setAsked(action)}>${action.verb}</button>`)}
    <button type="button" class="plain" onClick=${onClear}>Clear selection</button>
    ${asked && html`<${Confirmation} action=${asked} campaigns=${campaigns} onClose=${() => setAsked(null)} onConfirm=${confirm} />`}
  </div>`;
}
