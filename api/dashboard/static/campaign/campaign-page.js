// The page of one campaign: reads its documents and puts its parts together.

import { ExportDialog } from "../dialogs/exports.js";
import { TrainDialog } from "../dialogs/train.js";
import { useResource } from "../resource.js";
import { link } from "../root.js";
import { FINISHED, RETRYABLE } from "../states.js";
import { TrialDrawer } from "../trial/drawer.js";
import { html, useEffect, useState } from "../ui.js";
import { ActionBar } from "./action-bar.js";
import { ActionDialog } from "./action-dialog.js";
import { stop } from "./actions.js";
import { AttemptsDialog } from "./attempts-dialog.js";
import { useIsStale } from "./connection-state.js";
import { useDocuments } from "./documents.js";
import { EventLog } from "./event-log.js";
import { useEvents } from "./event-stream.js";
import { FailingSinks } from "./failing-sinks.js";
import { Failure, SharedFailure } from "./failure.js";
import { Figures } from "./figures.js";
import { FinalsCard } from "./finals-card.js";
import { bestKnown, isInFinals, isTrainingShared } from "./finals.js";
import { Findings } from "./findings.js";
import { Heading } from "./heading.js";
import { HeadlineTiles } from "./headline-tiles.js";
import { healthOf } from "./health.js";
import { HealthStrip } from "./health-strip.js";
import { Notes } from "./notes.js";
import { Phases, phasesOf } from "./phases.js";
import { RunningFinals, RunningTrials } from "./running.js";
import { Specification } from "./specification.js";
import { TrialsTable } from "./trials-table.js";
import { Waiting } from "./waiting.js";

const POLL_MS = 5000; // events come at once; polling is for what is no event
const PROGRESS_MS = 2000;

export function CampaignPage({ page }) {
  const [everyMs, setEveryMs] = useState(POLL_MS);
  const { data: campaign, error, refresh } = useResource(page.path, everyMs);
  const [checkedAt, setCheckedAt] = useState(null);
  const events = useEvents(page.path, campaign, refresh);
  useEffect(() => {
    if (campaign === null) return;
    setCheckedAt(new Date());
    setEveryMs(FINISHED.has(campaign.state) ? null : isTrainingShared(campaign) ? PROGRESS_MS : POLL_MS);
  }, [campaign]);
  return html`${error && html`<p class="banner failure" role="alert">The campaign cannot be read: ${error.message}</p>`}
    ${campaign && html`<${Campaign} campaign=${campaign} page=${page} events=${events} checkedAt=${checkedAt} refresh=${refresh} />`}`;
}

function Campaign({ campaign, page, events, checkedAt, refresh }) {
  const isStale = useIsStale();
  const [dialog, setDialog] = useState(null); // an element
  const [trial, setTrial] = useState(null); // the number of the trial in the drawer
  const { best, search, recent, running, counts, report, supervisors, version, figuresVersion } = useDocuments(campaign, page);
  const close = () => setDialog(null);
  const ofBest = { path: page.path, trial: bestKnown(campaign), lastTrial: campaign.trials_begun - 1, onClose: close };
  const onDone = ({ leavesPage }) => {
    if (leavesPage) return location.assign(link("/"));
    close();
    return refresh();
  };
  const onAction = (action) => setDialog(html`<${ActionDialog} action=${action} campaign=${campaign} page=${page} onClose=${close} onDone=${onDone} />`);
  const onAttempts = (title, attempts) => setDialog(html`<${AttemptsDialog} title=${title} attempts=${attempts} onClose=${close} />`);
  const health = healthOf(campaign, search, supervisors);
  const mayStop = page.mayOperate && stop.isOffered(campaign);
  return html`
    <${Heading} campaign=${campaign} isStale=${isStale}>
      <${ActionBar} campaign=${campaign} page=${page} onAction=${onAction}
        onExport=${() => setDialog(html`<${ExportDialog} ...${ofBest} mayOperate=${page.mayOperate} />`)}
        onTrain=${() => setDialog(html`<${TrainDialog} ...${ofBest} campaignId=${page.id} dataset=${campaign.spec.dataset} />`)} />
    </${Heading}>
    <${Waiting} campaign=${campaign} supervisors=${supervisors} />
    <${FailingSinks} supervisors=${supervisors} />
    ${RETRYABLE.has(campaign.state) && html`<${Failure} campaign=${campaign} page=${page} recent=${recent} report=${report} onAction=${page.mayOperate ? onAction : undefined} />`}
    <${SharedFailure} training=${campaign.shared_training} onAttempts=${onAttempts} />
    <${HeadlineTiles} campaign=${campaign} best=${best} recent=${recent} report=${report} search=${search} isWaiting=${Boolean(health.isWaiting)} />
    <${HealthStrip} campaign=${campaign} health=${health} counts=${counts} runs=${isInFinals(campaign) ? report?.runs : undefined} recent=${recent} search=${search}
      supervisors=${supervisors} newest=${events.events[0] ?? null} checkedAt=${checkedAt} isStale=${isStale} />
    <${Findings} campaign=${campaign} learned=${best?.learned} search=${search} onStop=${mayStop ? () => onAction(stop) : undefined} />
    <${Phases} phases=${phasesOf(campaign, recent, report, Date.now())} isWaiting=${Boolean(health.isWaiting)} />
    ${!isStale && counts && html`<${RunningTrials} trials=${running} counts=${counts} onTrial=${setTrial} />`}
    ${!isStale && report && isInFinals(campaign) && html`<${RunningFinals} runs=${report.runs} />`}
    ${report && html`<${FinalsCard} report=${report} isStale=${isStale} onTrial=${setTrial} onAttempts=${onAttempts} />`}
    <${Figures} campaign=${campaign} page=${page} version=${figuresVersion} best=${best} onTrial=${setTrial} />
    <${TrialsTable} campaign=${campaign} page=${page} version=${version} counts=${counts} best=${bestKnown(campaign)} onTrial=${setTrial} />
    <div class="records">
      <${EventLog} ...${events} />
      <div><${Notes} campaign=${campaign} page=${page} onChanged=${refresh} /><${Specification} spec=${campaign.spec} /></div>
    </div>
    ${dialog}
    ${trial !== null && html`<${TrialDrawer} campaignId=${page.id} number=${trial} mayOperate=${page.mayOperate} onClose=${() => setTrial(null)} onNumber=${setTrial} />`}`;
}
