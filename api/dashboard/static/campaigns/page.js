// The list of campaigns: found, ordered, paged, compared, archived and deleted; refreshed every few seconds.

import { byId } from "../dom.js";
import { Pager } from "../pager.js";
import { useResource } from "../resource.js";
import { Fragment, html, render, useEffect, useRef, useState } from "../ui.js";
import { showWaiting } from "../waiting.js";
import { Filters } from "./filters.js";
import { CLEARED, isFiltered, listPath, PAGE_SIZE, useQuery } from "./query.js";
import { Selection } from "./selection.js";
import { Table } from "./table.js";

const REFRESH_MS = 3000;
const place = byId("campaigns");
const settings = { states: place.dataset.states.split(" "), mayOperate: place.dataset.mayOperate === "yes", most: Number(place.dataset.mostCompared) };

const sum = (counts) => Object.values(counts).reduce((total, count) => total + count, 0);

/** The newest page that was read: it stays while the next one is on its way. */
function useList(wanted) {
  const { data, error, refresh } = useResource(listPath(wanted), REFRESH_MS);
  const latest = useRef(null);
  if (data) latest.current = data;
  return { list: latest.current, isStale: data === null, error, refresh };
}

/** Without `onClose` they stay until the next request. */
function Refusals({ messages, close = "Close", onClose }) {
  if (!messages.length) return null;
  return html`<div class="banner failure refusal" role="alert"><div>${messages.map((message) => html`<p key=${message}>${message}</p>`)}</div>
    ${onClose && html`<button type="button" class="plain" onClick=${onClose}>${close}</button>`}</div>`;
}

const pagesOf = ({ total }) => Math.max(1, Math.ceil(total / PAGE_SIZE));

function rangeText(page, total) {
  const first = (page - 1) * PAGE_SIZE + 1;
  return `${first.toLocaleString("en")} to ${Math.min(total, first + PAGE_SIZE - 1).toLocaleString("en")} of ${total.toLocaleString("en")}`;
}

function NothingFound({ wanted, onClear }) {
  const what = [wanted.q && `“${wanted.q}”`, wanted.state.length && `state ${wanted.state.join(" or ")}`, wanted.tag && `tag ${wanted.tag}`, wanted.archived && "archived"].filter(Boolean).join(", ");
  return html`<section class="card nothing"><p>No campaign matches this filter: ${what}.</p><button type="button" class="button" onClick=${onClear}>Clear the filter</button></section>`;
}

function Campaigns() {
  const [wanted, change] = useQuery();
  const { list, isStale, error, refresh } = useList(wanted);
  const [selected, setSelected] = useState(new Map());
  const [refusals, setRefusals] = useState([]);
  const isEmpty = list !== null && list.total === 0 && !isFiltered(wanted) && !isStale;
  useEffect(() => {
    if (list === null) return;
    byId("empty").hidden = !isEmpty;
    byId("new").hidden = !settings.mayOperate;
    const running = list.by_state.running;
    document.title = `${running ? `(${running}) ` : ""}Campaigns – effspine`;
    showWaiting(list.items).catch(() => {});
    const last = pagesOf(list);
    if (!isStale && wanted.page > last) change({ page: last });
  }, [list, isStale]);
  const select = (campaign) => setSelected((before) => {
    const after = new Map(before);
    if (!after.delete(campaign.id)) after.set(campaign.id, campaign);
    return after;
  });
  const onDone = (done, errors) => {
    setRefusals(errors);
    setSelected((before) => new Map([...before].filter(([id]) => !done.includes(id))));
    refresh();
  };
  const newest = new Map((list?.items ?? []).map((campaign) => [campaign.id, campaign]));
  const chosen = [...selected.values()].map((campaign) => newest.get(campaign.id) ?? campaign);
  const clear = () => change({ ...CLEARED, sort: "-created" });
  const refusal = html`<${Refusals} messages=${error ? [error.message] : []} close="Clear the filter" onClose=${error?.status === 422 ? clear : undefined} />`;
  if (list === null) return refusal;
  const isSearch = wanted.q || wanted.tag || wanted.state.length;
  const summary = isSearch ? `${list.total.toLocaleString("en")} found` : `${list.by_state.running.toLocaleString("en")} running, ${sum(list.by_state).toLocaleString("en")} ${wanted.archived ? "archived" : "in total"}`;
  return html`<${Fragment}>
    <p class="muted summary" role="status">${isEmpty ? "" : summary}</p>
    ${refusal}
    <${Refusals} messages=${refusals} onClose=${() => setRefusals([])} />
    ${!isEmpty && html`<${Filters} wanted=${wanted} states=${settings.states} counts=${list.by_state} change=${change} />`}
    ${isEmpty && html`<p class="archive-link"><button type="button" class="plain" onClick=${() => change({ archived: true })}>Show archived campaigns</button></p>`}
    <${Selection} campaigns=${chosen} mayOperate=${settings.mayOperate} most=${settings.most} onClear=${() => setSelected(new Map())} onDone=${onDone} />
    ${list.items.length > 0 && html`<${Table} campaigns=${list.items} selected=${selected} sort=${wanted.sort} isStale=${isStale}
      onSort=${(sort) => change({ sort })} onSelect=${select} onTag=${(tag) => change({ tag })} />`}
    ${!list.items.length && !isEmpty && !isStale && list.total === 0 && html`<${NothingFound} wanted=${wanted} onClear=${() => change(CLEARED)} />`}
    <${Pager} page=${wanted.page} pages=${pagesOf(list)} onPage=${(page) => change({ page })}><span class="muted">${rangeText(wanted.page, list.total)}</span><//>
  <//>`;
}

render(html`<${Campaigns} />`, place);
