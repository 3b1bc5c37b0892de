// What is entered into the form: the texts by path, which survive a reload, and the fields that were visited.

import { useEffect, useState } from "../ui.js";
import { savedValues, saveValues } from "./saved.js";
import { readForm } from "./values.js";

/** `initial` are the values of a form in which nothing was entered; `original` is the id of the campaign it copies, or null. */
export function useEntries(fields, initial, original) {
  const [kept] = useState(() => savedValues(original));
  const [values, setValues] = useState(kept ?? initial);
  const [visited, setVisited] = useState(() => new Set(Object.keys(kept ?? {})));
  const [isRestored, setRestored] = useState(kept !== null && JSON.stringify(kept) !== JSON.stringify(initial));
  useEffect(() => saveValues(original, JSON.stringify(values) === JSON.stringify(initial) ? null : values), [values]);
  const visit = (path) => setVisited((before) => new Set(before).add(path));
  const without = (path) => ({ [path]: _left, ...rest }) => rest;
  return {
    values, isRestored,
    isVisited: (path) => visited.has(path),
    change: (path, text) => { visit(path); setValues((before) => ({ ...before, [path]: text })); },
    reset: (path) => setValues(without(path)),
    leave: (path) => {
      visit(path);
      setValues((before) => (readForm(fields, before).isChanged(readForm(fields, before).field(path)) || !(path in before) ? before : without(path)(before)));
    },
    startOver: () => { setValues(initial); setVisited(new Set()); setRestored(false); },
  };
}
