// The kind of an error in words and its last line, truncated.

import { errorTitle } from "../titles.js";
import { html } from "../ui.js";

const MAX_LENGTH = 110;

export function ErrorNote({ failed: { error, error_kind: kind } }) {
  const title = errorTitle(kind);
  const prefix = title ? `${title}: ` : "";
  let text = error.trim().split("\n").at(-1);
  if (prefix && text.toLowerCase().startsWith(prefix.toLowerCase())) text = text.slice(prefix.length);
  if (text.length > MAX_LENGTH) text = `${text.slice(0, MAX_LENGTH)}…`;
  return html`<span class="error" title=${error}>${title && html`<strong>${title}</strong>: `}${text}</span>`;
}
