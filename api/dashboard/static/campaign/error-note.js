// The kind of an error and its last line, truncated.

import { html } from "../ui.js";

const MAX_LENGTH = 110;

export function ErrorNote({ failed: { error, error_kind: kind } }) {
  const prefix = kind ? `${kind.replaceAll("-", " ")}: ` : "";
  let text = error.trim().split("\n").at(-1);
  if (prefix && text.startsWith(prefix)) text = text.slice(prefix.length);
  if (text.length > MAX_LENGTH) text = `${text.slice(0, MAX_LENGTH)}…`;
  return html`<span class="error" title=${error}>${kind && html`<strong>${kind}</strong>: `}${text}</span>`;
}
