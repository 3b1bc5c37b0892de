// The block diagram of the best trial beside the baseline.

import { FigureFiles } from "../figure-files.js";
import { link } from "../root.js";
import { html } from "../ui.js";

/** `best` are the best trials, null until they have been read. */
export function Diagram({ page, best }) {
  const trial = best?.compared ?? null;
  const files = trial && { svg: `${page.path}/exports/svg?trial=${trial.number}`, pdf: `${page.path}/exports/pdf?trial=${trial.number}` };
  const subject = trial && best.items[0].number !== trial.number ? `best candidate, trial ${trial.number},` : "best";
  return html`<figure class="card wide">
    <figcaption><h2>Blocks of the ${subject} against the baseline</h2><p class="muted">Blocks by feature level with their connections, and their shares of the multi-adds.</p></figcaption>
    <div class="diagram" role="group" tabindex="0" aria-label="Block diagram">
      ${trial && html`<img src=${`${link(files.svg)}&style=page`} alt=${description(trial)} loading="lazy" />`}
    </div>
    ${trial && html`<${FigureFiles} files=${files} />`}
  </figure>`;
}

function description({ number, widths }) {
  const subject = number === 0 ? "Block diagram of the uniform baseline, which is the best so far." : `Block diagram of trial ${number} next to the uniform baseline.`;
  return `${subject} Channels of blocks 1 to ${widths.length}: ${widths.join(", ")}.`;
}
