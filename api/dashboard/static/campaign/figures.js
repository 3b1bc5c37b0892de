// The figures of a campaign.

import { FINISHED } from "../states.js";
import { html } from "../ui.js";
import { Diagram } from "./diagram.js";
import { emptyText } from "./empty-text.js";
import { FigureCard } from "./figure-card.js";
import { ParallelCard } from "./parallel.js";
import { PolicyCard } from "./policy.js";

/** `version` changes when the figures are to be drawn again, `onTrial` opens a trial. */
export function Figures({ campaign, page, version, best, onTrial }) {
  const figure = (name, what, others) => ({
    key: name, path: `${page.path}/figures/${name}`, version, empty: emptyText(campaign, what), onTrial, ...others,
  });
  const isExact = campaign.spec.search_space.mode === "exact"; // then all trials have the same multi-adds
  const isLearned = campaign.spec.controller.algorithm === "reinforce";
  return html`<div class="charts">
    <${FigureCard} ...${figure("progress", "The rewards")} isWide title="Reward by trial" label="Reward of each trial, its moving average, the best so far and the baseline" note="Each trial, the moving average, the best so far, and the baseline." />
    <${FigureCard} ...${figure("shares", "The shares")} title="Where the compute goes" label="Share of the multi-adds by block and level, of the best and the baseline" note="Share of the multi-adds of each block and level: the best against the baseline." />
    <${FigureCard} ...${figure("widths", "The widths")} title="Widths" label="Channel widths by block, of the best and the baseline" note="Output channels of each block: the best against the baseline." />
    <${Diagram} page=${page} best=${best?.items[0] ?? null} empty=${emptyText(campaign, "The blocks of the best")} />
    ${!isExact && html`<${FigureCard} ...${figure("madds-ap", "The trials")} title="AP against multi-adds" label="AP of each trial against its multi-adds" note="One point for each trial; the windows of 20 % around the target." />`}
    <${FigureCard} ...${figure("params-ap", "The trials")} title="AP against parameters" label="AP of each trial against its parameters" note="One point for each trial; the line joins those with the highest AP of all that are no larger." />
    ${campaign.spec.latency && html`<${FigureCard} ...${figure("latency-ap", "The trials")} title="AP against latency" label="AP of each trial against its latency" note="Latency of the ONNX export over that of the baseline, measured by turns on the same worker." />`}
    <${FigureCard} ...${figure("importance", "The importances", { empty: importanceText(campaign) })} title="Importance of each block" label="Importance of the multiplier of each block, with its uncertainty" note="How far the reward depends on the multiplier of a block, with its uncertainty." />
    ${isLearned && html`<${PolicyCard} campaign=${campaign} page=${page} ...${figure("policy", "The probabilities")} />`}
    ${isLearned && html`<${FigureCard} ...${figure("entropy", "Entropy and advantage")} title="Entropy and advantage" label="Entropy of the policy and advantage of the rewards, by trial" note="A policy that has learned nothing has an entropy of 1, one that always proposes the same 0." />`}
    <${ParallelCard} campaign=${campaign} ...${figure("parallel", "The architectures")} />
    <${FigureCard} ...${figure("curves", "The learning curves")} title="Learning curves" label="Learning curves of the baseline, the best and the latest trials" note="Of the baseline, the best and the latest trials." />
  </div>`;
}

/** It takes many trials to tell the blocks apart. */
function importanceText(campaign) {
  return FINISHED.has(campaign.state) ? "Too few sampled architectures were trained to tell." : "It comes once enough sampled architectures are trained to tell.";
}
