// The block diagram of the best trial beside the baseline.

import { FigureFiles } from "../figure-files.js";
import { link } from "../root.js";
import { html } from "../ui.js";

/** `best` is the document of the best trial, null until it has been read. */
export function Diagram({ page, best }) {
  const files = best && { svg: `${page.path}/exports/svg?trial=${best.number}`, pdf: `${page.path}/exports/pdf?trial=${best.number}` };
  return html`<figure class="card wide">
    <figcaption><h2>Blocks of the best against the baseline</h2><p class="muted">Blocks by feature level with their connections, and their shares of the multi-adds.</p></figcaption>
    <div class="diagram" role="group" tabindex="0" aria-label="Block diagram">
      ${best && html`<img src=${`${link(files.svg)}&style=page`} alt=${description(best)} loading="lazy" />`}
    </div>
    ${best && html`<${FigureFiles} files=${files} />`}
  </figure>`;
}

function description({ number, widths }) {
  const subject = number === 0 ? "Block diagram of the uniform baseline, which is the best so far." : `Block diagram of trial ${number} next to the uniform baseline.`;
  return `${subject} Channels of blocks 1 to ${widths.length}: ${widths.join(", ")}.`;
}
