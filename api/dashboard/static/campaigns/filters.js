// The filter of the list: a search, the states with their counts, a tag, and the archive.

import { html, useEffect, useRef, useState } from "../ui.js";
import { SortSelect } from "./table.js";

const TYPING_MS = 250;

function Search({ text, onSearch }) {
  const [typed, setTyped] = useState(text);
  const timer = useRef(null);
  useEffect(() => setTyped(text), [text]);
  const onInput = (event) => {
    const { value } = event.target;
    setTyped(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onSearch(value.trim()), TYPING_MS);
  };
  return html`<label class="search"><span class="visually-hidden">Search by name, id or tag</span>
    <input type="search" placeholder="Search by name, id or tag" maxlength="100" spellcheck=${false} value=${typed} onInput=${onInput} /></label>`;
}

function States({ states, counts, chosen, onChoose }) {
  const offered = states.filter((state) => counts[state] || chosen.includes(state));
  const toggle = (state) => onChoose(chosen.includes(state) ? chosen.filter((each) => each !== state) : [...chosen, state]);
  return html`<div class="chips" role="group" aria-label="States">
    ${offered.map((state) => html`<button type="button" key=${state} class="chip" aria-pressed=${chosen.includes(state)} onClick=${() => toggle(state)}>${state} <span>${(counts[state] ?? 0).toLocaleString("en")}</span></button>`)}
  </div>`;
}

export function Filters({ wanted, states, counts, change }) {
  return html`<form class="filters" role="search" onSubmit=${(event) => event.preventDefault()}>
    <${Search} text=${wanted.q} onSearch=${(q) => { if (q !== wanted.q) change({ q }); }} />
    <${States} states=${states} counts=${counts} chosen=${wanted.state} onChoose=${(state) => change({ state })} />
    ${wanted.tag && html`<button type="button" class="chip" aria-pressed="true" onClick=${() => change({ tag: "" })}>tag ${wanted.tag} <span aria-hidden="true">×</span><span class="visually-hidden">, remove</span></button>`}
    <label class="archived"><input type="checkbox" checked=${wanted.archived} onChange=${(event) => change({ archived: event.target.checked })} /> archived</label>
    <${SortSelect} sort=${wanted.sort} onSort=${(sort) => change({ sort })} />
  </form>`;
}
