// What the search has learned, in a sentence, and whether it still finds anything; offers to stop one that does not.

import { html } from "../ui.js";
import { isStuck, searchSentence } from "./health.js";

/** `learned` is a sentence, of the document that the headline is of; `onStop` is undefined for those who may not stop it. */
export function Findings({ campaign, learned, search, onStop }) {
  const stuck = isStuck(campaign, search);
  const lines = [learned && ["Learned", learned], searchSentence(campaign, search) && ["Search", searchSentence(campaign, search)]].filter(Boolean);
  if (!lines.length) return null;
  return html`<dl class="card findings">
    ${lines.map(([name, sentence]) => html`<div key=${name}><dt>${name}</dt>
      <dd class=${name === "Search" && stuck ? "stuck" : ""}>${sentence}${name === "Search" && stuck && onStop && html` <button type="button" class="plain" onClick=${onStop}>Stop it</button>`}</dd></div>`)}
  </dl>`;
}
