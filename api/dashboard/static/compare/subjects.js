// What is compared: campaigns, or trials of campaigns, as the page's address names them.

import { onReconnected } from "../connection.js";
import { DisconnectedError, getJson } from "../http.js";
import { useCallback, useEffect, useState } from "../ui.js";

const REFRESH_MS = 5000;

/** `{ kind, names, problems }` of the address; at most `most` names, each once. */
export function named(search, most) {
  const query = new URLSearchParams(search), kind = query.has("trials") ? "trials" : "campaigns";
  const given = [...new Set((query.get(kind) ?? "").split(",").map((name) => name.trim()).filter(Boolean))];
  const problems = [];
  const isValid = (name) => kind === "campaigns" || /^[^:]+:\d+$/.test(name);
  for (const name of given.filter((each) => !isValid(each))) problems.push(`“${name}” names no trial; one is CAMPAIGN:NUMBER, such as c_1m81wbxdc99wfqbs:12.`);
  const names = given.filter(isValid);
  if (names.length > most) problems.push(`The address names ${names.length} ${kind}, and at most ${most} are compared: these are the first ${most}.`);
  return { kind, names: names.slice(0, most), problems };
}

const campaignPath = (id) => `/v1/campaigns/${encodeURIComponent(id)}`;

async function readCampaign(id) {
  const path = campaignPath(id);
  const [campaign, best, search] = await Promise.all([getJson(path), getJson(`${path}/best?k=1`), getJson(`${path}/figures/search`)]);
  return { name: id, campaign, best, search };
}

async function readTrial(name) {
  const [id, number] = name.split(":"), path = campaignPath(id);
  const [campaign, trial, search] = await Promise.all([getJson(path), getJson(`${path}/trials/${number}`), getJson(`${path}/figures/search`)]);
  const report = campaign.finals === null ? null : await getJson(`${path}/finals`);
  return { name, campaign, trial, search, report };
}

/** The subjects that could be read, and why others could not; both null until then. Read again every few seconds. */
export function useSubjects({ kind, names }) {
  const [found, setFound] = useState({ subjects: null, errors: [] });
  const read = kind === "trials" ? readTrial : readCampaign;
  const refresh = useCallback(async () => {
    const results = await Promise.allSettled(names.map(read));
    if (results.some(({ reason }) => reason instanceof DisconnectedError)) return;
    setFound({ subjects: results.flatMap(({ value }) => value ?? []), errors: results.flatMap(({ reason }) => (reason ? [reason.message] : [])) });
  }, [kind, names.join()]);
  useEffect(() => {
    refresh();
    const timer = setInterval(() => { if (!document.hidden) refresh(); }, REFRESH_MS), stopListening = onReconnected(refresh);
    return () => { clearInterval(timer); stopListening(); };
  }, [refresh]);
  return found;
}
