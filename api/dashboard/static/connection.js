// Whether the service responds. While it does not, every page says so, and since when its data is stale.

import { byId, setText } from "./dom.js";
import { link } from "./root.js";

const RETRY_MS = 2000;

let lastResponse = new Date(), retrying = null;
const listeners = new Set(), lossListeners = new Set();

/** Calls `listener` whenever the service responds again. */
export function onReconnected(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Calls `listener` whenever the service has stopped responding. */
export function onDisconnected(listener) {
  lossListeners.add(listener);
  return () => lossListeners.delete(listener);
}

export const isDisconnected = () => retrying !== null;

/** To be called after every response. */
export function responded() {
  lastResponse = new Date();
  if (retrying === null) return;
  clearTimeout(retrying);
  retrying = null;
  show(false);
  for (const listener of listeners) listener();
}

/** To be called when a request got no response. */
export function failed() {
  if (retrying !== null) return;
  show(true);
  retry();
  for (const listener of lossListeners) listener();
}

function retry() {
  retrying = setTimeout(async () => {
    try {
      await fetch(link("/healthz"), { cache: "no-store" });
    } catch {
      return retry();
    }
    responded();
  }, RETRY_MS);
}

function show(isStale) {
  document.body.classList.toggle("is-stale", isStale);
  byId("connection").hidden = !isStale;
  setText("connection", isStale ? `Disconnected, showing data from ${lastResponse.toLocaleTimeString("en-GB")}, retrying` : "");
}
