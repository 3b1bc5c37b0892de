// Whether the service responds. While it does not, every page says so, and since when its data is stale.

import { byId, setText } from "./dom.js";
import { link } from "./root.js";

const CHECK_MS = 3000; // a page that asks for nothing learns within this time that the service is gone
const RETRY_MS = 2000;
const NO_RESPONSE = [502, 504]; // from a proxy whose service is gone

let readAt = null, heardAt = Date.now(), isLost = false;
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

export const isDisconnected = () => isLost;

/** Whether a response is the service's own. */
export const isFromService = ({ status }) => !NO_RESPONSE.includes(status);

/** To be called after every response of the service; `hasData` says that the page shows what is in it. */
export function responded(hasData = false) {
  heardAt = Date.now();
  if (hasData) readAt = new Date();
  if (!isLost) return;
  isLost = false;
  show();
  for (const listener of listeners) listener();
}

/** To be called when a request got no response. */
export function failed() {
  if (isLost) return;
  isLost = true;
  show();
  for (const listener of lossListeners) listener();
}

async function check() {
  if (!document.hidden && (isLost || Date.now() - heardAt >= CHECK_MS)) {
    const response = await fetch(link("/healthz"), { cache: "no-store" }).catch(() => null);
    if (response !== null && isFromService(response)) responded();
    else failed();
  }
  setTimeout(check, isLost ? RETRY_MS : CHECK_MS);
}

function show() {
  document.body.classList.toggle("is-stale", isLost);
  byId("connection").hidden = !isLost;
  setText("connection", isLost ? `Disconnected, ${readAt === null ? "no data yet" : `showing data from ${moment(readAt)}`}, retrying` : "");
}

/** `14:05:09` today, else with the day. */
function moment(at) {
  const clock = at.toLocaleTimeString("en-GB");
  return at.toDateString() === new Date().toDateString() ? clock : `${at.toLocaleDateString("en-GB", { day: "numeric", month: "short" })} ${clock}`;
}

setTimeout(check, CHECK_MS);
