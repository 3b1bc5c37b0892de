// The headline of a campaign: six figures with what qualifies them.

import { html } from "../ui.js";
import { bestFigure, deviceFigure, gainFigure, paramsFigure, timeFigure } from "./headline.js";

/** `best` is the document of the best trials, `report` that of the finals, `search` the figure; each may be null. */
export function HeadlineTiles({ campaign, best, recent, report, search, isWaiting }) {
  const first = best?.items[0] ?? null;
  const { trials_finished: finished, spec } = campaign;
  return html`<dl class="headline of-campaign">
    <${Tile} ...${bestFigure(campaign, best)} />
    <${Tile} ...${gainFigure(campaign, best?.gain, search)} />
    <${Tile} ...${paramsFigure(campaign, first, best?.baseline ?? null)} />
    <div><dt>Trials</dt><dd>${finished.toLocaleString("en")} / ${spec.trials.toLocaleString("en")}</dd>
      <dd><progress max=${spec.trials} value=${finished} aria-label="Trials finished" /></dd></div>
    <${Tile} ...${timeFigure(campaign, recent, report, Date.now(), isWaiting)} />
    <${Tile} ...${deviceFigure(campaign)} />
  </dl>`;
}

const Tile = ({ label, value, note }) => html`<div><dt>${label}</dt><dd>${value}</dd><dd class="muted">${note}</dd></div>`;
