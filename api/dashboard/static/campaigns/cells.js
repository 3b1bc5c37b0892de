// The cells of a campaign: its progress, its gain with how sure it is, its health and its newest event.

import { dateTime, decimal, deviceTime, signed } from "../format.js";
import { gainValue, seedsText, sureness, verdictText } from "../gain.js";
import { eventTitle } from "../campaign/event-sentences.js";
import { failingText } from "../campaign/health.js";
import { FINISHED } from "../states.js";
import { errorTitle } from "../titles.js";
import { Fragment, html } from "../ui.js";

export function State({ campaign }) {
  const { state, error_kind: kind, waiting_for: waits, summary } = campaign;
  const notes = [];
  if (waits) notes.push(html`<small class="warn" title=${waits}>waits</small>`);
  if (kind) notes.push(html`<small class="bad" title=${campaign.error}>${errorTitle(kind)}</small>`);
  if (!FINISHED.has(state) && !waits && summary.search?.is_failing) notes.push(html`<small class="bad" title=${failingText(summary.search)}>failing</small>`);
  else if (!FINISHED.has(state) && summary.search?.has_collapsed) notes.push(html`<small class="warn" title="The latest proposals are nearly all of known architectures">repeats itself</small>`);
  else if (!FINISHED.has(state) && summary.search?.is_on_plateau) notes.push(html`<small class="warn" title="Nothing better for ${campaign.trials_since_best} trials">no longer improves</small>`);
  return html`<span class="state" data-state=${state}>${state}</span>${notes}`;
}

/** What is done of the phase that a campaign is in: its shared weights, its trials, or its finals. */
function phase({ state, spec, finals, shared_training: shared, trials_finished: finished }) {
  if (shared && shared.state !== "completed") return { what: "shared weights", done: shared.step, of: shared.steps };
  if (finals && (finals.state === "running" || (finals.state === "interrupted" && FINISHED.has(state)))) return { what: "finals", done: finals.runs_finished, of: finals.runs };
  return { what: "trials", done: finished, of: spec.trials };
}

export function Progress({ campaign }) {
  const { what, done, of } = phase(campaign);
  const seconds = campaign.device_seconds;
  return html`<div class="trial-progress"><progress max=${of} value=${done} aria-label="Progress: ${what}"></progress><span>${done.toLocaleString("en")} / ${of.toLocaleString("en")}</span></div>
    <small>${what === "trials" ? "" : `${what}, `}${seconds ? deviceTime(seconds / 3600) : "no device time yet"}</small>`;
}

/** The AP that the gain beside it is of: of the same trial, and measured in the same way. */
export function Best({ campaign: { best_reward: highest, baseline_reward: baseline, summary: { gain } } }) {
  if (gain === null) return html`<span>${decimal(highest)}</span><small>${baseline === null ? "" : `baseline ${decimal(baseline)}`}</small>`;
  return html`<span>${decimal(gain.reward)}</span><small>baseline ${decimal(gain.baseline_reward)}</small>${gain.seeds !== null && html`<small>mean of ${seedsText(gain.seeds)}</small>`}`;
}

export function Gain({ campaign: { state, summary: { gain, search } } }) {
  if (gain === null) return html`<span class="muted">–</span>`;
  if (gain.trial === 0) return html`<span class="muted">none${FINISHED.has(state) ? "" : " yet"}</span>`;
  const word = html`<small class=${gain.is_confirmed ? "good" : null}>${verdictText(gain)}</small>`;
  return html`<${Fragment}><span>${gainValue(gain)}</span><small class="sureness">${gain.low === null ? sureness(gain, search) : `${signed(gain.low)} to ${signed(gain.high)}`}</small>${word}<//>`;
}

export function LastEvent({ summary }) {
  return html`<time datetime=${summary.last_event_at}>${dateTime(summary.last_event_at)}</time><small>${eventTitle(summary.last_event_kind)}</small>`;
}

export const task = ({ spec }) => (spec.proxy_task.profile === "synthetic" ? "synthetic reward" : `${spec.dataset} · ${spec.proxy_task.profile}`);
