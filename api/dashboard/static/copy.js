// A button that copies a text.

import { html, useState } from "./ui.js";

const SHOWN_MS = 1500;

/** `load`, in the place of a `text`, returns it or a promise of it; `name` says what is copied, for screen readers. */
export function CopyButton({ text, load = () => text, name, kind = "plain", children = "Copy" }) {
  const [answer, setAnswer] = useState("");
  const onClick = async () => {
    setAnswer(await copied(load));
    setTimeout(() => setAnswer(""), SHOWN_MS);
  };
  return html`<button type="button" class=${kind} aria-label="Copy ${name}" onClick=${onClick}>${answer || children}</button>
    <span class="visually-hidden" role="status">${answer && `${name}: ${answer}`}</span>`;
}

/** What has become of it. Browsers offer `navigator.clipboard` on loopback and over HTTPS only. */
async function copied(load) {
  let text;
  try {
    text = await load();
  } catch (error) {
    return error.message;
  }
  const isCopied = navigator.clipboard ? await navigator.clipboard.writeText(text).then(() => true, () => false) : copiedFromArea(text);
  return isCopied ? "Copied" : "Copying is not allowed here";
}

/** A modal dialog takes the focus from everything outside, so the area stands beside the focused element. */
function copiedFromArea(text) {
  const focused = document.activeElement, area = document.createElement("textarea");
  area.value = text;
  focused.after(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  focused.focus();
  return isCopied;
}
