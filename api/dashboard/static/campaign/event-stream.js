// The events of a campaign: the newest ones, those that follow as they happen, and older ones on request.

import { link } from "../root.js";
import { FINISHED } from "../states.js";
import { useCallback, useEffect, useRef, useState } from "../ui.js";

const PAGE = 100; // events that are read at once
const FLUSH_MS = 1000; // a burst of events updates the page once
const RECONNECT_MS = 5000;

/**
 * The events of `campaign` (null until it has been read) as `{ events, hasOlder, loadOlder }`, newest first. `onNews` is
 * called after events that the campaign's document does not know, and when the stream breaks off.
 */
export function useEvents(path, campaign, onNews) {
  const [events, setEvents] = useState([]);
  const known = useRef(new Map());
  const latest = useRef(null); // the stream outlasts the document and the function that it began with
  latest.current = { campaign, onNews };
  const isReady = campaign !== null;
  const isFinished = isReady && FINISHED.has(campaign.state);

  useEffect(() => {
    if (!isReady) return undefined;
    const newest = Math.max(-1, ...known.current.keys());
    const after = newest >= 0 ? newest : Math.max(0, campaign.last_event - PAGE);
    return follow(path, after, (received) => {
      for (const event of received) known.current.set(event.sequence, event);
      if (received.length) setEvents(newestFirst(known.current));
      if (received.length === 0 || received.at(-1).sequence > latest.current.campaign.last_event) latest.current.onNews();
    });
  }, [path, isReady, isFinished]);

  const oldest = events.length ? events.at(-1).sequence : 0;
  const loadOlder = useCallback(async () => {
    for (const event of await readBetween(path, Math.max(0, oldest - 1 - PAGE), oldest)) known.current.set(event.sequence, event);
    setEvents(newestFirst(known.current));
  }, [path, oldest]);
  return { events, hasOlder: oldest > 1, loadOlder };
}

const newestFirst = (known) => [...known.values()].sort((one, other) => other.sequence - one.sequence);

/** Passes on the events after a sequence, collected for FLUSH_MS; an empty list says that the stream broke off or ended. */
function follow(path, after, onEvents) {
  let source = null, pending = [], last = after, flushing = null, reconnecting = null, isClosed = false;
  const flush = () => {
    flushing = null;
    const received = pending;
    pending = [];
    onEvents(received);
  };
  const open = () => {
    source = new EventSource(`${link(path)}/events?after=${last}`);
    source.addEventListener("message", ({ data }) => {
      const event = JSON.parse(data);
      last = event.sequence;
      pending.push(event);
      flushing ??= setTimeout(flush, FLUSH_MS);
    });
    source.addEventListener("end", () => { source.close(); clearTimeout(flushing); flush(); });
    source.addEventListener("error", () => {
      onEvents([]);
      if (source.readyState !== EventSource.CLOSED || isClosed) return; // else the browser connects again by itself
      clearTimeout(reconnecting);
      reconnecting = setTimeout(open, RECONNECT_MS);
    });
  };
  open();
  return () => { isClosed = true; source.close(); clearTimeout(flushing); clearTimeout(reconnecting); };
}

/** The events after the sequence `after` and before `until`. Rejects if the stream breaks off. */
function readBetween(path, after, until) {
  return new Promise((resolve, reject) => {
    const events = [], source = new EventSource(`${link(path)}/events?after=${after}`);
    const finish = (settle, value) => { source.close(); settle(value); };
    source.addEventListener("message", ({ data }) => {
      const event = JSON.parse(data);
      if (event.sequence < until) events.push(event);
      if (event.sequence >= until - 1) finish(resolve, events);
    });
    source.addEventListener("end", () => finish(resolve, events));
    source.addEventListener("error", () => finish(reject, new Error("the older events could not be read; try again")));
  });
}
