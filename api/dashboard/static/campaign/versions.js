// Documents that change with the events of a campaign, read again only when its newest event has moved.

import { useResource } from "../resource.js";
import { useEffect, useRef, useState } from "../ui.js";

/** `value`, which follows at most once in `intervalMs` milliseconds. */
export function useThrottled(value, intervalMs) {
  const [shown, setShown] = useState(value);
  const changedAt = useRef(0);
  useEffect(() => {
    if (Object.is(value, shown)) return undefined;
    const timer = setTimeout(() => {
      changedAt.current = Date.now();
      setShown(value);
    }, Math.max(0, intervalMs - (Date.now() - changedAt.current)));
    return () => clearTimeout(timer);
  }, [value, shown, intervalMs]);
  return shown;
}

/** As `useResource`, read again whenever `version` changes, and every `everyMs` milliseconds if given. */
export function useVersioned(path, version, everyMs = null) {
  const found = useResource(path, everyMs);
  const known = useRef(version);
  useEffect(() => {
    if (known.current === version) return;
    known.current = version;
    found.refresh();
  }, [version]);
  return found;
}
