// Updates of a campaign by server-sent events, or by polling while the stream is down.

import { link } from "./root.js";

const MIN_INTERVAL_MS = 1200; // a burst of events causes one refresh
const POLL_MS = 5000;

/** Calls `refresh` after events of the campaign, at most once in MIN_INTERVAL_MS, until its stream ends. */
export function follow(path, after, refresh) {
  let timer = null, polling = null, last = 0;

  const scheduleRefresh = () => {
    if (timer !== null) return;
    timer = setTimeout(() => { timer = null; last = Date.now(); refresh(); }, Math.max(0, MIN_INTERVAL_MS - (Date.now() - last)));
  };
  const poll = () => { polling ??= setInterval(scheduleRefresh, POLL_MS); };
  const stopPolling = () => { clearInterval(polling); polling = null; };

  const source = new EventSource(`${link(path)}?after=${after}`);
  source.addEventListener("open", () => { stopPolling(); scheduleRefresh(); }); // events may have been missed while the stream was down
  source.addEventListener("message", scheduleRefresh);
  source.addEventListener("end", () => { source.close(); stopPolling(); scheduleRefresh(); });
  source.addEventListener("error", poll); // the browser reconnects; until then, and if it gives up, poll
  return () => { source.close(); stopPolling(); clearTimeout(timer); };
}
