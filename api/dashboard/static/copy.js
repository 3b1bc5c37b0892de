// A button that copies a text.

import { html, useState } from "./ui.js";

const SHOWN_MS = 1500;

/** `name` says what is copied, for screen readers. */
export function CopyButton({ text, name }) {
  const [answer, setAnswer] = useState("");
  const onClick = async () => {
    setAnswer((await copied(text)) ? "Copied" : "Copying is not allowed here");
    setTimeout(() => setAnswer(""), SHOWN_MS);
  };
  return html`<button type="button" class="plain copy" aria-label="Copy ${name}" onClick=${onClick}>${answer || "Copy"}</button>
    <span class="visually-hidden" role="status">${answer && `${name}: ${answer}`}</span>`;
}

/** Whether the text has been copied. Browsers offer `navigator.clipboard` on loopback and over HTTPS only. */
async function copied(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text).then(() => true, () => false);
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  return isCopied;
}
