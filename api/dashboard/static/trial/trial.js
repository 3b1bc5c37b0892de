// All of one trial: what it is, what came of it, and what can be done with it.

import { ExportDialog } from "../dialogs/exports.js";
import { TrainDialog } from "../dialogs/train.js";
import { useResource } from "../resource.js";
import { html, useEffect, useState } from "../ui.js";
import { Actions } from "./actions.js";
import { Attempts } from "./attempts.js";
import { Blocks } from "./blocks.js";
import { CocoMetrics } from "./coco-metrics.js";
import { Detections } from "./detections.js";
import { Exports } from "./exports.js";
import { Facts } from "./facts.js";
import { LearningCurve } from "./learning-curve.js";
import { Notice } from "./notice.js";

const POLL_MS = 2000;

/** A trial of a campaign; `onNumber` is called with the number of another one to show. */
export function Trial({ campaignId, number, mayOperate, isPage = false, onNumber }) {
  const path = `/v1/campaigns/${encodeURIComponent(campaignId)}`;
  const [isRunning, setRunning] = useState(false);
  const [open, setOpen] = useState(null);
  const own = useResource(`${path}/trials/${number}`, isRunning ? POLL_MS : null);
  const other = useResource(number === 0 ? null : `${path}/trials/0`);
  const parent = useResource(path, isRunning ? POLL_MS : null);
  const finals = useResource(parent.data?.finals ? `${path}/finals` : null);
  const search = useResource(own.data?.reward === null ? null : `${path}/figures/search`);
  const trial = own.data, campaign = parent.data, baseline = number === 0 ? null : other.data;
  useEffect(() => setRunning(trial?.state === "running"), [trial?.state]);
  const error = own.error ?? parent.error;
  if (!trial || !campaign) return error ? html`<p class="banner failure" role="alert">${error.message}</p>` : html`<p class="muted">Loading…</p>`;
  const shown = { path, campaign, trial, baseline, mayOperate, onNumber };
  const dialog = { path, trial: number, lastTrial: campaign.trials_begun - 1, onClose: () => setOpen(null) };
  return html`<article class="trial ${isPage ? "is-page" : ""}">
    <${Actions} ...${shown} onOpen=${setOpen} />
    <${Notice} ...${shown} />
    <${Facts} ...${shown} report=${finals.data} search=${search.data} />
    <${Blocks} ...${shown} />
    <${CocoMetrics} ...${shown} />
    <${LearningCurve} ...${shown} />
    <${Detections} ...${shown} />
    <${Attempts} ...${shown} />
    <${Exports} key=${open} path=${path} trial=${trial} />
  </article>
  ${open === "exports" && html`<${ExportDialog} ...${dialog} mayOperate=${mayOperate} />`}
  ${open === "train" && html`<${TrainDialog} ...${dialog} campaignId=${campaignId} dataset=${campaign.spec.dataset} />`}`;
}
