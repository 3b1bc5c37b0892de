// Attempts at a training with the ends of their workers' logs, in a dialog.

import { Modal } from "../modal.js";
import { errorTitle } from "../titles.js";
import { LogTail } from "../trial/attempts.js";
import { html } from "../ui.js";

/** `attempts` have `title`, `state`, `error`, `error_kind` and `log_tail`. */
export function AttemptsDialog({ title, attempts, onClose }) {
  return html`<${Modal} title=${title} kind="attempts" onClose=${onClose}>
    ${attempts.map((attempt) => html`<section key=${attempt.title}>
      <h3>${attempt.title} <span class="state" data-state=${attempt.state}>${attempt.state}</span> ${errorTitle(attempt.error_kind)}</h3>
      ${attempt.error && html`<p class="error">${attempt.error}</p>`}
      ${attempt.log_tail ? html`<${LogTail} text=${attempt.log_tail} name=${attempt.title} />` : attempt.error && html`<p class="muted">The worker wrote nothing.</p>`}
    </section>`)}
    <p class="actions"><button type="button" class="button" autofocus onClick=${onClose}>Close</button></p>
  </${Modal}>`;
}
