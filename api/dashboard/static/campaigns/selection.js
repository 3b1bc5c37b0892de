// What can be done with the selected campaigns: compare them, archive them, delete them.

import { patch, remove } from "../http.js";
import { link } from "../root.js";
import { DELETABLE } from "../states.js";
import { html, useEffect, useRef, useState } from "../ui.js";

const FEWEST = 2;

const counted = (campaigns) => (campaigns.length === 1 ? `“${campaigns[0].name}”` : `${campaigns.length} campaigns`);

const ACTIONS = {
  archive: {
    verb: "Archive", isPlain: true, text: "Lists leave archived campaigns out. A search that runs goes on, and nothing is lost.",
    send: ({ id }) => patch(`/v1/campaigns/${encodeURIComponent(id)}`, { archived: true }),
  },
  unarchive: {
    verb: "Unarchive", isPlain: true, text: "Lists show them again.",
    send: ({ id }) => patch(`/v1/campaigns/${encodeURIComponent(id)}`, { archived: false }),
  },
  delete: {
    verb: "Delete", text: "Trials, events, notes, detectors and exported files are deleted for good. Trainings that came from them stay.",
    send: ({ id }) => remove(`/v1/campaigns/${encodeURIComponent(id)}`),
  },
};

function Confirmation({ action, campaigns, onClose, onConfirm }) {
  const dialog = useRef(null), { verb, text, isPlain } = ACTIONS[action];
  useEffect(() => dialog.current.showModal(), []);
  return html`<dialog ref=${dialog} aria-labelledby="confirmation-title" onClose=${onClose}>
    <h2 id="confirmation-title">${verb} ${counted(campaigns)}?</h2>
    ${campaigns.length > 1 && html`<ul class="names">${campaigns.map(({ id, name }) => html`<li key=${id}>${name}</li>`)}</ul>`}
    <p>${text}</p>
    <p class="actions"><button type="button" class="button" autofocus onClick=${() => dialog.current.close()}>Cancel</button>
      <button type="button" class="button ${isPlain ? "" : "danger"}" onClick=${onConfirm}>${verb}</button></p>
  </dialog>`;
}

/** The bar under the filter. `onDone` is called with the ids that an action has succeeded for, and the errors of the others. */
export function Selection({ campaigns, mayOperate, most, onClear, onDone }) {
  const [asked, setAsked] = useState(null), [isBusy, setBusy] = useState(false);
  if (!campaigns.length) return null;
  const confirm = async () => {
    setAsked(null);
    setBusy(true);
    const results = await Promise.allSettled(campaigns.map(ACTIONS[asked].send));
    setBusy(false);
    onDone(campaigns.filter((_, index) => results[index].status === "fulfilled").map(({ id }) => id), results.flatMap(({ reason }) => (reason ? [reason.message] : [])));
  };
  const isComparable = campaigns.length >= FEWEST && campaigns.length <= most;
  const offered = [
    campaigns.some(({ archived }) => !archived) && "archive",
    campaigns.every(({ archived }) => archived) && "unarchive",
    campaigns.every(({ state }) => DELETABLE.has(state)) && "delete",
  ].filter((each) => each && mayOperate);
  return html`<div class="card selection" role="group" aria-label="Selected campaigns">
    <span role="status">${campaigns.length} selected</span>
    ${isComparable
      ? html`<a class="button" href=${link(`/compare?campaigns=${campaigns.map(({ id }) => encodeURIComponent(id)).join(",")}`)}>Compare</a>`
      : html`<span class="muted">${campaigns.length < FEWEST ? "Select another to compare." : `At most ${most} can be compared.`}</span>`}
    ${offered.map((action) => html`<button type="button" key=${action} class="button ${ACTIONS[action].isPlain ? "" : "danger"}" disabled=${isBusy} onClick=${() => setAsked(action)}>${ACTIONS[action].verb}</button>`)}
    <button type="button" class="plain" onClick=${onClear}>Clear selection</button>
    ${asked && html`<${Confirmation} action=${asked} campaigns=${campaigns} onClose=${() => setAsked(null)} onConfirm=${confirm} />`}
  </div>`;
}
