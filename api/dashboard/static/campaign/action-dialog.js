// The confirmation of an action. It stays open with the refusal until it is closed or the next request succeeds.

import { Modal } from "../modal.js";
import { repeatablePost } from "../repeatable-post.js";
import { html, useRef, useState } from "../ui.js";

/** `onDone` is called once the service has accepted the request. */
export function ActionDialog({ action, campaign: asked, page, onClose, onDone }) {
  const [campaign] = useState(asked); // as it was when the dialog opened: its text must not change under the pointer
  const [error, setError] = useState(null);
  const [isSending, setIsSending] = useState(false);
  const fields = action.fields?.(campaign, page.limits) ?? [];
  const send = useRef(repeatablePost());
  const [entered, setEntered] = useState(() => Object.fromEntries(fields.map(({ name, value }) => [name, value])));
  const onInput = ({ currentTarget: form }) => setEntered(form.checkValidity() ? valuesOf(form, fields) : null);
  const onSubmit = async (event) => {
    event.preventDefault();
    const values = valuesOf(event.currentTarget, fields);
    setIsSending(true);
    try {
      await action.send({ path: page.path, values, campaign, post: send.current });
      onDone(action);
    } catch (refusal) {
      setError(refusal.message);
      setIsSending(false);
    }
  };
  return html`<${Modal} title=${action.title(campaign)} onClose=${onClose}>
    <form onSubmit=${onSubmit} onInput=${onInput}>
      ${action.text(campaign) && html`<p>${action.text(campaign)}</p>`}
      ${fields.map((field) => html`<${Field} key=${field.name} ...${field} />`)}
      ${action.More && html`<${action.More} campaign=${campaign} entered=${entered} />`}
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

/** The values of a form by name. */
function valuesOf(form, fields) {
  const numbers = new Set(fields.filter(({ kind }) => kind === "number").map(({ name }) => name));
  return Object.fromEntries([...new FormData(form)].map(([name, text]) => [name, numbers.has(name) ? Number(text) : text]));
}
