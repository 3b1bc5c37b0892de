// What the service says of a document while it is entered: its dry run, shortly after each change.

import { onReconnected } from "../connection.js";
import { DisconnectedError, post, RefusedError } from "../http.js";
import { useEffect, useRef, useState } from "../ui.js";

const DELAY_MS = 400;

export const dryRun = (document) => post("/v1/campaigns?dry_run=true", document);

/**
 * The latest answer as `{ of, found, problem }`: `of` is the document, as JSON, that was answered for, `found` its dry run
 * or null, `problem` the problem document of its refusal or null. `range` has the feasible multi-adds of its search space,
 * also where something else is refused; null where the search space itself is. `profile` is a profile without data, `known`
 * are errors that are known without the service: with such there is nothing to ask yet.
 */
export function useDryRun(document, profile, known) {
  const [answer, setAnswer] = useState({ of: null, found: null, problem: null });
  const [range, setRange] = useState(null);
  const latest = useRef(0), spaceOfRange = useRef(null);
  const text = JSON.stringify(document);
  useEffect(() => {
    const number = ++latest.current;
    const isLatest = () => number === latest.current;
    const readRange = async () => {
      const space = spaceOf(document), key = JSON.stringify(space);
      if (key === spaceOfRange.current) return;
      const feasible = await dryRun({ name: "range", proxy_task: { profile }, search_space: space })
        .then((found) => found.feasible_madds)
        .catch((error) => { if (error instanceof RefusedError) return null; throw error; });
      if (!isLatest()) return;
      spaceOfRange.current = key;
      setRange(feasible);
    };
    const check = async () => {
      try {
        if (known.length) {
          setAnswer({ of: text, found: null, problem: { errors: known } });
          return await readRange();
        }
        const found = await dryRun(document);
        if (!isLatest()) return;
        spaceOfRange.current = JSON.stringify(spaceOf(document));
        setAnswer({ of: text, found, problem: null });
        setRange(found.feasible_madds);
      } catch (error) {
        if (error instanceof DisconnectedError || !isLatest()) return; // checked again once the service responds
        if (!(error instanceof RefusedError)) throw error;
        setAnswer({ of: text, found: null, problem: error.problem ?? { detail: error.message } });
        await readRange();
      }
    };
    const timer = setTimeout(check, DELAY_MS);
    const stopListening = onReconnected(check);
    return () => { clearTimeout(timer); stopListening(); };
  }, [text]);
  /** Takes over the refusal of a request with this document. */
  const refused = (sent, problem) => { if (problem) setAnswer({ of: JSON.stringify(sent), found: null, problem }); };
  return { ...answer, range, isCurrent: answer.of === text, refused };
}

/** The search space without the limits that its feasible range bounds. */
function spaceOf({ search_space: space = {} }) {
  const { budget_madds: _budget, max_params: _cap, ...rest } = space;
  return rest;
}
