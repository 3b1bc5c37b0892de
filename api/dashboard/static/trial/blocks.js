// Where a trial spends its multi-adds: the block diagram beside the baseline's, and its blocks and levels as numbers.

import { FigureFiles } from "../figure-files.js";
import { percent, signed } from "../format.js";
import { link } from "../root.js";
import { html } from "../ui.js";

export function Blocks({ path, trial }) {
  const { number, blocks, levels } = trial;
  const files = { svg: `${path}/exports/svg?trial=${number}`, pdf: `${path}/exports/pdf?trial=${number}` };
  const largest = Math.max(...blocks.flatMap((block) => [block.share, block.baseline_share]));
  const largestLevel = Math.max(...levels.flatMap((level) => [level.share, level.baseline_share]));
  const alt = `Block diagram of ${number === 0 ? "the uniform baseline" : `trial ${number} beside the uniform baseline`}; the tables below have its numbers.`;
  return html`<section class="card" aria-labelledby="trial-blocks">
    <h2 id="trial-blocks">Blocks${number > 0 && " beside the baseline's"}</h2>
    <div class="trial-diagram" role="group" tabindex="0" aria-label="Block diagram"><img src=${`${link(files.svg)}&style=page`} alt=${alt} /></div>
    <${FigureFiles} files=${files} />
    <div class="trial-shares">
      <${Table} caption="Blocks" columns=${["Block", "Level", "Multiplier", "Width", "Baseline", "Share of the multi-adds", ""]} rows=${blocks.map((block) => [
        block.block, `L${block.level}`, block.multiplier ?? "–", block.width, block.baseline_width, percent(block.share), html`<${Bars} ...${block} largest=${largest} />`])} />
      <${Table} caption="Levels" columns=${["Level", "Share", "Baseline", "Points", ""]} rows=${levels.map((level) => [
        `L${level.level}`, percent(level.share), percent(level.baseline_share), signed(Math.round(1000 * (level.share - level.baseline_share)) / 10, 1), html`<${Bars} ...${level} largest=${largestLevel} />`])} />
    </div>
    <p class="muted">Widths are output channels. The stem and the detection head have the rest, ${percent(1 - sum(levels))}${number > 0 && `; grey is the baseline, whose rest is ${percent(1 - sum(levels, "baseline_share"))}`}.</p>
  </section>`;
}

const sum = (levels, name = "share") => levels.reduce((total, level) => total + level[name], 0);

function Table({ caption, columns, rows }) {
  return html`<div class="scroll" role="group" tabindex="0" aria-label=${caption}><table class="rows">
    <caption class="visually-hidden">${caption}</caption>
    <thead><tr>${columns.map((name) => html`<th scope="col" class=${name ? "number" : "bars"}>${name || html`<span class="visually-hidden">Bars</span>`}</th>`)}</tr></thead>
    <tbody>${rows.map((cells) => html`<tr>${cells.map((cell, index) => html`<td class=${columns[index] ? "number" : "bars"}>${cell}</td>`)}</tr>`)}</tbody>
  </table></div>`;
}

/** The share, above that of the baseline. */
function Bars({ share, baseline_share: baseline, largest }) {
  const width = (value) => `${(100 * value) / largest}%`;
  return html`<span class="share-bars" aria-hidden="true"><i style=${{ width: width(share) }}></i><i style=${{ width: width(baseline) }}></i></span>`;
}
