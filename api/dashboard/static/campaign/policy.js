// The policy as a heat map, after as many rewards as a slider says.

import { html, useState } from "../ui.js";
import { FigureCard } from "./figure-card.js";
import { useThrottled, useVersioned } from "./versions.js";

const SLIDING_MS = 200; // a moving slider draws at most so often

/** `version` and the other props are those of a figure card. */
export function PolicyCard({ campaign, page, version, ...figure }) {
  const [at, setAt] = useState(null); // null: the latest
  const drawn = useThrottled(at, SLIDING_MS);
  const [found, setFound] = useState(null); // the rewards of the drawing, and what it was requested for
  const learned = useVersioned(campaign.trials_finished ? `${page.path}/figures/policy` : null, version);
  const told = learned.data?.told ?? 0;
  const isReplayed = told > 0 && campaign.trials_finished <= page.mostReplayed;
  const shown = at === null ? told : Math.min(at, told);
  const exact = found !== null && found.at === at ? found.told : shown; // the service keeps not every policy of a long search
  const onDrawn = (svg) => setFound({ at: drawn, told: Number(svg.querySelector("[data-told]").dataset.told) });
  const onInput = (event) => {
    const chosen = event.currentTarget.valueAsNumber;
    setAt(chosen >= told ? null : chosen);
  };
  return html`<${FigureCard} ...${figure} isWide title="Policy" version=${drawn === null ? version : drawn} query=${drawn === null ? "" : `at=${drawn}`} onDrawn=${onDrawn}
      label=${`Probability of each multiplier for each block after ${exact} rewards`}
      note="Probability of each multiplier for each block; the colours run from the smallest to the largest.">
    ${isReplayed && html`<p class="slider">
      <label for="policy-at">After</label>
      <input id="policy-at" type="range" min="0" max=${told} step="1" value=${shown} onInput=${onInput} aria-valuetext=${`${exact} of ${told} rewards`} />
      <output for="policy-at">${exact.toLocaleString("en")} of ${told.toLocaleString("en")} rewards</output>
      <button type="button" class="plain" aria-pressed=${at === null} onClick=${() => setAt(null)}>Latest</button>
    </p>`}
  </${FigureCard}>`;
}
