// The confirmation of an action. It stays open with the refusal until it is closed or the next request succeeds.

import { html, useState } from "../ui.js";
import { Modal } from "../modal.js";

/** `onDone` is called once the service has accepted the request. */
export function ActionDialog({ action, campaign: asked, page, onClose, onDone }) {
  const [campaign] = useState(asked); // as it was when the dialog opened: its text must not change under the pointer
  const [error, setError] = useState(null);
  const [isSending, setIsSending] = useState(false);
  const fields = action.fields?.(campaign, page.limits) ?? [];
  const onSubmit = async (event) => {
    event.preventDefault();
    const form = event.currentTarget;
    setIsSending(true);
    try {
      await action.send(page.path, changedValues(form, fields, action.name === "change"), campaign);
      onDone(action);
    } catch (refusal) {
      setError(refusal.message);
      setIsSending(false);
    }
  };
  return html`<${Modal} title=${action.title(campaign)} onClose=${onClose}>
    <form onSubmit=${onSubmit}>
      ${action.text(campaign) && html`<p>${action.text(campaign)}</p>`}
      ${fields.map((field) => html`<${Field} key=${field.name} ...${field} />`)}
      ${error && html`<p class="banner failure" role="alert">${error}</p>`}
      <p class="actions">
        <button type="button" class="button" autofocus=${!fields.length} onClick=${onClose}>${action.keep(campaign)}</button>
        <button class=${`button ${action.isDangerous ? "danger" : ""}`} disabled=${isSending}>${action.confirm(campaign)}</button>
      </p>
    </form>
  </${Modal}>`;
}

function Field({ name, label, kind, value, options, min, max }) {
  if (kind === "choice") {
    return html`<fieldset><legend>${label}</legend>
      ${options.map(([choice, text]) => html`<label key=${choice}><input type="radio" name=${name} value=${choice} defaultChecked=${choice === value} /> ${text}</label>`)}
    </fieldset>`;
  }
  return html`<p><label>${label} <input type="number" name=${name} defaultValue=${value} min=${min} max=${max} step="1" required /></label></p>`;
}

/** The values of the fields; of a change only those that differ from what is. */
function changedValues(form, fields, isChange) {
  const entries = fields.map(({ name, kind, value }) => {
    const chosen = new FormData(form).get(name);
    return [name, kind === "number" ? Number(chosen) : chosen, value];
  });
  return Object.fromEntries(entries.filter(([, chosen, value]) => !isChange || chosen !== value).map(([name, chosen]) => [name, chosen]));
}
