// What the list shows, as the query of the page's address: a reload and the browser's back button show the same.

import { useCallback, useEffect, useState } from "../ui.js";

const DEFAULTS = { state: [], q: "", tag: "", archived: false, sort: "-created", page: 1 };
export const PAGE_SIZE = 50;

function fromAddress() {
  const given = new URLSearchParams(location.search);
  return {
    state: given.getAll("state"), q: given.get("q") ?? "", tag: given.get("tag") ?? "", archived: given.get("archived") === "true",
    sort: given.get("sort") ?? DEFAULTS.sort, page: Math.max(1, Math.trunc(Number(given.get("page"))) || 1),
  };
}

function parameters({ state, q, tag, archived, sort, page }) {
  const query = new URLSearchParams();
  for (const each of state) query.append("state", each);
  if (q) query.set("q", q);
  if (tag) query.set("tag", tag);
  if (archived) query.set("archived", "true");
  if (sort !== DEFAULTS.sort) query.set("sort", sort);
  if (page > 1) query.set("page", String(page));
  return query;
}

/** The path of the API for what the list shows. */
export function listPath(wanted) {
  const query = parameters({ ...wanted, page: 1 });
  query.set("limit", String(PAGE_SIZE));
  if (wanted.page > 1) query.set("offset", String((wanted.page - 1) * PAGE_SIZE));
  for (const each of ["search", "spark"]) query.append("include", each);
  return `/v1/campaigns?${query}`;
}

export const isFiltered = ({ state, q, tag, archived }) => Boolean(state.length || q || tag || archived);

/** `[wanted, change]`: what the list shows, and a function that changes some of it; all but a change of the page go to page 1. */
export function useQuery() {
  const [wanted, setWanted] = useState(fromAddress);
  useEffect(() => {
    const onBack = () => setWanted(fromAddress());
    addEventListener("popstate", onBack);
    return () => removeEventListener("popstate", onBack);
  }, []);
  const change = useCallback((changes) => setWanted((before) => {
    const after = { ...before, page: 1, ...changes }, query = String(parameters(after));
    // Letters that are typed into the search do not each get an entry of the history.
    const write = "q" in changes ? "replaceState" : "pushState";
    if (query !== location.search.slice(1)) history[write](null, "", query ? `?${query}` : location.pathname);
    return after;
  }), []);
  return [wanted, change];
}

export const CLEARED = { state: [], q: "", tag: "", archived: false };
