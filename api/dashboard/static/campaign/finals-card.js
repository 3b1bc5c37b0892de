// The finals of a campaign: the verdict, and each finalist against the baseline.

import { counted, decimal, difference, signed, withMinus } from "../format.js";
import { html } from "../ui.js";
import { trainedWith } from "./finals.js";
import { StatePill } from "./state-pill.js";

const CHART = { width: 160, height: 20, dot: 4 };
const IMAGES = { true: "scored on images that gave no reward", false: "scored on the images that rewards were measured on" };

/** `report` is the document of the finals; `onTrial` opens a trial, `onAttempts` shows attempts with their logs. */
export function FinalsCard({ report, isStale, onTrial, onAttempts }) {
  const { finals, verdict, runs } = report;
  const failed = runs.filter((run) => run.state === "failed").length;
  const facts = [trainedWith(finals.task), `${counted(finals.seeds.length, "seed")} from ${finals.seeds[0]}`, IMAGES[finals.fresh_images], failed && `${counted(failed, "training")} failed`];
  const failedAttempts = runs.filter((run) => run.error).map((run) => ({ ...run, title: `Final of trial ${run.trial}, seed ${run.seed}` }));
  const limit = Math.max(1e-9, ...verdict.comparisons.flatMap(({ low, high }) => [Math.abs(low ?? 0), Math.abs(high ?? 0)]));
  const isOver = finals.state === "completed";
  const hasLatency = verdict.comparisons.some((found) => found.latency_ratio !== null);
  return html`<section class="card finals" aria-labelledby="finals-title">
    <div class="finals-text">
      <h2 id="finals-title">Finals <${StatePill} state=${finals.state} isStale=${isStale} /></h2>
      <p class="verdict" role="status">${withMinus(verdict.sentence)}</p>
      <p class="muted">${facts.filter(Boolean).join(" · ")} ${failedAttempts.length > 0 && html`<button type="button" class="plain" onClick=${() => onAttempts("Failed attempts in the finals", failedAttempts)}>Log</button>`}</p>
    </div>
    <div class="scroll" role="group" tabindex="0" aria-label="Finalists against the baseline">
      <table class="rows">
        <caption class="visually-hidden">Each finalist against the uniform baseline</caption>
        <thead><tr>
          <th scope="col" class="number">Trial</th><th scope="col" class="number optional">Estimated AP</th><th scope="col" class="number">AP, mean</th><th scope="col" class="number optional">Seeds</th>
          <th scope="col" class="number">Difference</th><th scope="col" class="number">95 % interval</th>
          <th scope="col" class="optional"><span class="visually-hidden">Interval around no difference</span></th>
          <th scope="col" class="number optional">Parameters</th>${hasLatency && html`<th scope="col" class="number optional">Latency</th>`}
          <th scope="col">Verdict</th><th scope="col" class="number optional">More seeds</th>
        </tr></thead>
        <tbody>${verdict.comparisons.map((found) => html`<${Row} key=${found.trial} found=${found} limit=${limit} isWinner=${found.trial === verdict.winner} isOver=${isOver} hasLatency=${hasLatency} onTrial=${onTrial} />`)}
          <${Baseline} verdict=${verdict} hasLatency=${hasLatency} onTrial=${onTrial} /></tbody>
      </table>
    </div>
  </section>`;
}

/** A cost over that of the baseline as its change. */
const change = (ratio) => (ratio === null ? "–" : `${signed(100 * (ratio - 1), 0)} %`);

function Row({ found, limit, isWinner, isOver, hasLatency, onTrial }) {
  const hasInterval = found.low !== null;
  return html`<tr class=${isWinner ? "is-best" : null}>
    <td class="number"><button type="button" class="as-link" onClick=${() => onTrial(found.trial)}>${found.trial}</button></td>
    <td class="number optional">${decimal(found.estimate)}</td>
    <td class="number">${decimal(found.reward)}</td>
    <td class="number optional">${found.pairs}</td>
    <td class="number">${difference(found.reward, found.baseline_reward)}</td>
    <td class="number">${hasInterval ? `${signed(found.low)} to ${signed(found.high)}` : "–"}</td>
    <td class="optional">${hasInterval && html`<${Interval} ...${found} limit=${limit} />`}</td>
    <td class="number optional">${change(found.params_ratio)}</td>
    ${hasLatency && html`<td class="number optional">${change(found.latency_ratio)}</td>`}
    <td data-word=${isOver ? found.word : null}>${isOver ? found.word : "–"}</td>
    <td class="number optional">${found.more_seeds ?? "–"}</td>
  </tr>`;
}

/** What they are compared with. */
function Baseline({ verdict, hasLatency, onTrial }) {
  return html`<tr>
    <td class="number"><button type="button" class="as-link" onClick=${() => onTrial(0)}>0</button></td>
    <td class="number optional">–</td>
    <td class="number">${decimal(verdict.baseline_reward)}</td>
    <td class="number optional">${verdict.baseline_seeds}</td>
    <td class="number">–</td><td class="number">–</td><td class="optional"></td>
    <td class="number optional">–</td>${hasLatency && html`<td class="number optional">–</td>`}
    <td>baseline</td><td class="number optional">–</td>
  </tr>`;
}

/** An interval as a line with its mean as a dot; the dashed line is no difference. `limit` is at both ends. */
function Interval({ low, high, mean, limit }) {
  const half = CHART.width / 2;
  const x = (value) => half + (half - CHART.dot) * Math.max(-1, Math.min(1, value / limit));
  const middle = CHART.height / 2;
  return html`<svg class="interval" viewBox=${`0 0 ${CHART.width} ${CHART.height}`} aria-hidden="true">
    <line class="zero" x1=${x(0)} x2=${x(0)} y1="0" y2=${CHART.height} /><line x1=${x(low)} x2=${x(high)} y1=${middle} y2=${middle} /><circle cx=${x(mean)} cy=${middle} r=${CHART.dot} />
  </svg>`;
}
