// A label for a state. One that may have changed since is said to be the last known.

import { html } from "../ui.js";

export function StatePill({ state, isStale = false, children }) {
  if (isStale) return html`<span class="state" role="status">last known: ${state}</span>`;
  return html`<span class="state" data-state=${state} role="status">${state}${children}</span>`;
}
