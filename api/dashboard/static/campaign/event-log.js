// The log of events, newest first.

import { dateTime } from "../format.js";
import { html, useState } from "../ui.js";
import { FILTERS, sentence } from "./event-sentences.js";

/** With seconds today. */
const timeOf = (at) => (new Date(at).toDateString() === new Date().toDateString() ? new Date(at).toLocaleTimeString("en-GB") : dateTime(at));
const LABELS = { all: "All events", campaign: "The campaign", rewards: "Rewards", failures: "Failures", finals: "Finals" };

/** The props are what `useEvents` returns. */
export function EventLog({ events, hasOlder, loadOlder }) {
  const [filter, setFilter] = useState("all");
  const [state, setState] = useState({ isLoading: false, error: null });
  const shown = events.filter(FILTERS[filter]);
  const onOlder = async () => {
    setState({ isLoading: true, error: null });
    try {
      await loadOlder();
      setState({ isLoading: false, error: null });
    } catch (error) {
      setState({ isLoading: false, error: error.message });
    }
  };
  return html`<section class="card event-log" aria-labelledby="log-title">
    <div class="table-head"><h2 id="log-title">Events</h2>
      <label class="muted">Show <select value=${filter} onChange=${(event) => setFilter(event.currentTarget.value)}>
        ${Object.entries(LABELS).map(([name, label]) => html`<option key=${name} value=${name}>${label}</option>`)}
      </select></label></div>
    <ol tabindex="0" aria-label="Events, newest first">
      ${shown.map((event) => html`<li key=${event.sequence} class=${FILTERS.failures(event) ? "failed" : null}>
        <time datetime=${event.at} title=${event.at}>${timeOf(event.at)}</time><span>${sentence(event)}</span></li>`)}
      ${!shown.length && html`<li class="muted"><span>${events.length ? `None of the ${events.length} events that are loaded.` : "No event has been read yet."}</span></li>`}
    </ol>
    ${state.error && html`<p class="banner" role="alert">${state.error}</p>`}
    ${hasOlder && html`<p class="more"><button type="button" class="plain" disabled=${state.isLoading} onClick=${onOlder}>${state.isLoading ? "Loading…" : "Load older events"}</button></p>`}
  </section>`;
}
