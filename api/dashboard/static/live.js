// Following a campaign: server-sent events where they work, polling where they do not.

const QUIET_MS = 1200; // a burst of events is one refresh
const POLL_MS = 5000;

/** Calls `refresh` after events of the campaign, at most once in QUIET_MS, until its stream ends. */
export function follow(path, after, refresh) {
  let timer = null, polling = null, last = 0;

  const soon = () => {
    if (timer !== null) return;
    timer = setTimeout(() => { timer = null; last = Date.now(); refresh(); }, Math.max(0, QUIET_MS - (Date.now() - last)));
  };
  const poll = () => { polling ??= setInterval(soon, POLL_MS); };
  const rest = () => { clearInterval(polling); polling = null; };

  const source = new EventSource(`${path}?after=${after}`);
  source.addEventListener("open", () => { rest(); soon(); }); // whatever happened while it was away
  source.addEventListener("message", soon);
  source.addEventListener("end", () => { source.close(); rest(); soon(); });
  source.addEventListener("error", poll); // the browser reconnects by itself; until then, and if it gives up, poll
  return () => { source.close(); rest(); clearTimeout(timer); };
}
