// Documents of the API as the state of a component: read once, again after a while, and as soon as the service is back.

import { onReconnected } from "./connection.js";
import { DisconnectedError, getJson } from "./http.js";
import { useCallback, useEffect, useRef, useState } from "./ui.js";

/**
 * The document at `path` as `{ data, error, refresh }`. `data` is null until it has been read and stays while a later
 * read of the same path fails; `error` is the refusal of the latest read. It is read again every `everyMs` milliseconds while the page is
 * visible, and when `refresh` is called. A null path reads nothing.
 */
export function useResource(path, everyMs = null) {
  const [found, setFound] = useState({ path: null, data: null, error: null });
  const latest = useRef(0);
  const refresh = useCallback(async () => {
    if (path === null) return;
    const number = ++latest.current;
    try {
      const data = await getJson(path);
      if (number === latest.current) setFound({ path, data, error: null });
    } catch (error) {
      if (number === latest.current && !(error instanceof DisconnectedError)) setFound((before) => ({ path, data: before.path === path ? before.data : null, error }));
    }
  }, [path]);
  useEffect(() => {
    refresh();
    const stopListening = onReconnected(refresh);
    const timer = everyMs === null ? null : setInterval(() => { if (!document.hidden) refresh(); }, everyMs);
    const onVisible = () => { if (!document.hidden) refresh(); };
    document.addEventListener("visibilitychange", onVisible);
    return () => { stopListening(); clearInterval(timer); document.removeEventListener("visibilitychange", onVisible); latest.current++; };
  }, [refresh, everyMs]);
  return { data: found.path === path ? found.data : null, error: found.path === path ? found.error : null, refresh };
}
