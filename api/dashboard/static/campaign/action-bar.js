// The buttons of what can be done with a campaign, and the dialog of the one that was chosen.

import { link } from "../root.js";
import { html, useRef } from "../ui.js";
import { ACTIONS, MORE } from "./actions.js";
import { exportLabel } from "./headline.js";

/** `onAction` is called with an action to confirm, `onExport` and `onTrain` open the dialogs of the best trial. */
export function ActionBar({ campaign, page, onAction, onExport, onTrain }) {
  const menu = useRef(null);
  const offered = (actions) => (page.mayOperate ? actions.filter((action) => action.isOffered(campaign)) : []);
  const choose = (action) => {
    if (menu.current) menu.current.open = false;
    onAction(action);
  };
  const button = (action, kind) => html`<button type="button" key=${action.name} data-action=${action.name} class=${`${kind} ${action.isDangerous ? "danger" : ""}`} onClick=${() => choose(action)}>${action.label(campaign)}</button>`;
  const onKeyDown = (event) => {
    if (event.key !== "Escape" || !menu.current.open) return;
    menu.current.open = false;
    menu.current.querySelector("summary").focus();
  };
  const onFocusOut = (event) => { if (event.relatedTarget && !menu.current.contains(event.relatedTarget)) menu.current.open = false; };
  const hasBest = campaign.best_trial !== null;
  return html`<div class="actions" role="group" aria-label="Actions">
    ${hasBest && html`<button type="button" class="button" onClick=${onExport}>${exportLabel(campaign)}</button>`}
    ${hasBest && page.mayOperate && html`<button type="button" class="button" onClick=${onTrain}>Train this one</button>`}
    ${offered(ACTIONS).map((action) => button(action, "button"))}
    <details class="menu" ref=${menu} onKeyDown=${onKeyDown} onFocusOut=${onFocusOut}>
      <summary class="button">More</summary>
      <div class="card">
        ${page.mayOperate && html`<a href=${link(`/campaigns/new?from=${encodeURIComponent(campaign.id)}`)}>Clone</a>`}
        <a href=${link(`${page.path}/report`)}>Report</a>
        ${offered(MORE).map((action) => button(action, "entry"))}
      </div>
    </details>
  </div>`;
}
