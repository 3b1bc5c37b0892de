// A sentence of the schema: its parts between backticks are code.

import { html } from "../ui.js";

export const MarkedText = ({ text }) =>
  text.split("`").map((part, index) => (index % 2 ? html`<code>${part}</code>` : part));

/** With a capital at its beginning and a full stop at its end. */
export const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
