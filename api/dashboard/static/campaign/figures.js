// The figures of a campaign.

import { FINISHED } from "../states.js";
import { html } from "../ui.js";
import { Diagram } from "./diagram.js";
import { emptyText } from "./empty-text.js";
import { FigureCard } from "./figure-card.js";
import { hasPolicy } from "./health.js";
import { ParallelCard } from "./parallel.js";
import { PolicyCard } from "./policy.js";
import { useVersioned } from "./versions.js";

const FEWEST_POINTS = 10; // of the service, to learn whether there are any

/** `version` changes when the figures are to be drawn again, `onTrial` opens a trial. */
export function Figures({ campaign, page, version, best, onTrial }) {
  if (campaign.best_reward === null) {
    return html`<section class="card no-figures" aria-labelledby="no-figures"><h2 id="no-figures">Figures</h2><p class="muted">${emptyText(campaign)}</p></section>`;
  }
  const figure = (name) => ({ key: name, path: `${page.path}/figures/${name}`, version, onTrial });
  const isExact = campaign.spec.search_space.mode === "exact"; // then all trials have the same multi-adds
  const isLearned = hasPolicy(campaign);
  const isTooLong = campaign.trials_finished > page.mostReplayed;
  return html`<div class="charts">
    <${FigureCard} ...${figure("progress")} isWide title="Reward by trial" label="Reward of each trial, its moving average, the best so far and the baseline" note="Each trial, the moving average, the best so far, and the baseline." />
    <${FigureCard} ...${figure("shares")} isWide title="Where the compute goes" label="Share of the multi-adds by block and level, of the best and the baseline" note="Share of the multi-adds of each block and level: the best against the baseline." />
    <${Diagram} page=${page} best=${best} />
    <${FigureCard} ...${figure("widths")} title="Widths" label="Channel widths by block, of the best and the baseline" note="Output channels of each block: the best against the baseline." />
    <${ImportanceCard} campaign=${campaign} ...${figure("importance")} />
    ${!isExact && html`<${FigureCard} ...${figure("madds-ap")} title="AP against multi-adds" label="AP of each trial against its multi-adds" note="One point for each trial; the windows of 20 % around the target." />`}
    <${FigureCard} ...${figure("params-ap")} title="AP against parameters" label="AP of each trial against its parameters" note=${`${isExact ? "Figure 5 of the paper, over parameters, since all have the budget's multi-adds. " : ""}One point for each trial; the line joins those with the highest AP of all that are no larger. The axis spans at least 20\u00a0% to either side of the baseline.`} />
    ${campaign.spec.latency && html`<${FigureCard} ...${figure("latency-ap")} title="AP against latency" label="AP of each trial against its latency" note="Latency of the ONNX export over that of the baseline, measured by turns on the same worker." />`}
    ${isLearned && html`<${FigureCard} ...${figure("entropy")} exists=${campaign.trials_finished > 1 && !isTooLong} empty=${isTooLong ? tooLong(page) : "The controller has not learned from a reward yet."} title="Entropy and advantage" label="Entropy of the policy and advantage of the rewards, by trial" note="A policy that has learned nothing has an entropy of 1, one that always proposes the same 0." />`}
    ${isLearned && html`<${PolicyCard} campaign=${campaign} page=${page} ...${figure("policy")} />`}
    <${CurvesCard} ...${figure("curves")} />
    <${ParallelCard} campaign=${campaign} ...${figure("parallel")} />
  </div>`;
}

const tooLong = ({ mostReplayed }) => `It is drawn for searches of at most ${mostReplayed.toLocaleString("en")} trials: their rewards are replayed for it.`;

/** It takes many trials to tell the blocks apart. */
function ImportanceCard({ campaign, version, path, ...figure }) {
  const numbers = useVersioned(path, version).data;
  const isOver = FINISHED.has(campaign.state);
  const empty = numbers === null ? "" : numbers.trials >= numbers.needed ? "All rewards are equal, so no block matters more than another."
    : `${numbers.trials} of the ${numbers.needed} sampled architectures that it takes ${isOver ? "were" : "are"} trained.`;
  return html`<${FigureCard} ...${figure} path=${path} version=${version} empty=${empty} exists=${Boolean(numbers?.effect)}
    title="Importance of each block" label="Importance of the multiplier of each block, with its uncertainty"
    note="How far the reward depends on the multiplier of a block, with its uncertainty." />`;
}

/** Trials that are scored without a training of their own have no curve, and no card for one. */
function CurvesCard({ version, path, ...figure }) {
  const numbers = useVersioned(`${path}?points=${FEWEST_POINTS}`, version).data;
  return numbers?.curves.length > 0 && html`<${FigureCard} ...${figure} path=${path} version=${version}
    title="Learning curves" label="Learning curves of the baseline, the best and the latest trials" note="Of the baseline, the best and the latest trials." />`;
}
