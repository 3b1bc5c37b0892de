// Failed attempts at a training: a note with the error, and a dialog with the ends of their workers' logs.

import { byId, element, setText, statePill } from "./dom.js";

const MAX_MESSAGE_LENGTH = 110;

/** The kind of the error and its last line, truncated; the dialog shows the whole error. */
export function errorNote(failed) {
  const kind = failed.error_kind, lines = failed.error.trim().split("\n");
  let text = lines[lines.length - 1];
  const prefix = kind ? `${kind.replaceAll("-", " ")}: ` : "";
  if (prefix && text.startsWith(prefix)) text = text.slice(prefix.length);
  if (text.length > MAX_MESSAGE_LENGTH) text = `${text.slice(0, MAX_MESSAGE_LENGTH)}…`;
  return element("span", { class: "error", title: failed.error }, ...(kind ? [element("strong", {}, kind), ": "] : []), text);
}

function attemptSection({ title, state, error, error_kind: kind, log_tail: log }) {
  const heading = element("h3", {}, `${title} `, statePill(state));
  if (kind) heading.append(` ${kind}`);
  const parts = [heading];
  if (error) parts.push(element("p", { class: "error" }, error));
  if (log) parts.push(element("pre", { tabindex: "0", "aria-label": `End of the worker's log, ${title}` }, log));
  else if (error) parts.push(element("p", { class: "muted" }, "The worker wrote nothing."));
  return element("section", {}, ...parts);
}

async function showAttempts(title, load) {
  setText("attempts-title", title);
  byId("attempts").replaceChildren(element("p", { class: "muted" }, "Loading…"));
  byId("attempts-dialog").showModal();
  try {
    byId("attempts").replaceChildren(...(await load()).map(attemptSection));
    for (const log of byId("attempts").querySelectorAll("pre")) log.scrollTop = log.scrollHeight;
  } catch (error) {
    byId("attempts").replaceChildren(element("p", { class: "error" }, error.message));
  }
}

/** A button that opens the dialog with the attempts that `load` returns: `title`, `state`, `error`, `error_kind`, `log_tail`. */
export function logButton(title, load) {
  const button = element("button", { type: "button", class: "plain", "aria-label": title }, "Log");
  button.addEventListener("click", () => showAttempts(title, load));
  return button;
}
