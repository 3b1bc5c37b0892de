// Two to five campaigns or trials side by side.

import { CopyButton } from "../copy.js";
import { byId } from "../dom.js";
import { Figure } from "../figure.js";
import { link } from "../root.js";
import { Fragment, html, render, useState } from "../ui.js";
import { CAMPAIGN_ROWS, metricRows, settings, TRIAL_ROWS } from "./rows.js";
import { named, useSubjects } from "./subjects.js";

const place = byId("compare"), least = Number(place.dataset.least), most = Number(place.dataset.most);
const OF_ALL = [
  ["widths", "Widths", "Output channels of each block."],
  ["shares", "Shares", "Share of the multi-adds of each block and level."],
];
const FIGURES = {
  campaigns: [["progress", "Best so far", "Best reward up to each trial."], ...OF_ALL],
  trials: [["curves", "Learning curves", "Loss and AP by step, of the latest attempt at each."], ...OF_ALL],
};

const LONG_NAME = 15; // characters that the first column has room for on a phone

function Heads({ subjects, kind, corner }) {
  return html`<thead><tr><th scope="col"><span class="visually-hidden">${corner}</span></th>${subjects.map(({ name, campaign, trial }) => html`<th scope="col" key=${name}>
    <a class="name" href=${link(`/campaigns/${encodeURIComponent(campaign.id)}`)}>${kind === "trials" ? `trial ${trial.number}` : campaign.name}</a>
    <small>${kind === "trials" ? campaign.name : campaign.id}</small></th>`)}</tr></thead>`;
}

function Side({ title, children }) {
  return html`<section class="card split compared" aria-label=${title}><h2>${title}</h2><div class="scroll" role="region" aria-label=${title} tabindex="0">${children}</div></section>`;
}

function Numbers({ subjects, kind }) {
  const known = kind === "trials" ? [...TRIAL_ROWS, ...metricRows(subjects)] : CAMPAIGN_ROWS;
  const rows = known.filter(([, text]) => subjects.some((subject) => text(subject) !== "–"));
  return html`<${Side} title="Figures"><table class="rows" style=${{ "--subjects": subjects.length }}><${Heads} subjects=${subjects} kind=${kind} corner="Figure" />
    <tbody>${rows.map(([label, text]) => html`<tr key=${label}><th scope="row">${label}</th>${subjects.map((subject) => html`<td key=${subject.name}>${text(subject)}</td>`)}</tr>`)}</tbody></table><//>`;
}

/** A path that breaks after its dots, and long names after their underscores, before it breaks within a word. */
const breakable = (path) => path.split(/(?<=\.)/).flatMap((name) => (name.length > LONG_NAME ? name.split(/(?<=_)/) : [name])).map((part, index) => html`${index > 0 && html`<wbr />`}${part}`);

function Settings({ subjects, kind }) {
  const [showsAll, setShowsAll] = useState(false);
  const all = settings(subjects), different = all.filter(({ differs }) => differs), shown = showsAll ? all : different;
  return html`<${Side} title="Settings">
    <p class="settings-note"><span class="muted">${different.length ? `${different.length} of ${all.length} settings differ.` : `All ${all.length} settings agree.`}</span>
      <label><input type="checkbox" checked=${showsAll} onChange=${(event) => setShowsAll(event.target.checked)} /> show all</label></p>
    ${shown.length > 0 && html`<table class="rows" style=${{ "--subjects": subjects.length }}><${Heads} subjects=${subjects} kind=${kind} corner="Setting" />
      <tbody>${shown.map(({ path, texts, differs }) => html`<tr key=${path} class=${differs ? "differs" : ""}><th scope="row">${breakable(path)}${differs && html`<span class="visually-hidden"> (differs)</span>`}</th>
        ${texts.map((text, index) => html`<td key=${index}>${text}</td>`)}</tr>`)}</tbody></table>`}
  <//>`;
}

function Figures({ subjects, kind }) {
  const names = subjects.map(({ name }) => encodeURIComponent(name)).join(",");
  const version = subjects.map(({ campaign }) => campaign.last_event).join(".");
  const drawn = FIGURES[kind].filter(([name]) => name !== "curves" || subjects.some(({ trial }) => trial.curve?.length));
  return html`<div class="charts">${drawn.map(([name, title, about]) => html`<figure class="card wide" key=${name}>
    <figcaption><h2>${title}</h2><p class="muted">${about}</p></figcaption>
    <${Figure} path="/v1/compare" query=${`figure=${name}&${kind}=${names}`} version=${version} label=${title} empty="There is nothing to draw yet." />
  </figure>`)}</div>`;
}

function Compare() {
  const wanted = named(location.search, most), { kind, names } = wanted;
  const { subjects, errors } = useSubjects(wanted);
  const problems = [...wanted.problems, ...errors.map((error) => `${error[0].toUpperCase()}${error.slice(1)}.`)];
  if (subjects && subjects.length < least) {
    problems.push(`${subjects.length ? "There is only one to show" : "There is nothing to compare"}; name ${least} to ${most} of them, as /compare?campaigns=ID,ID or /compare?trials=ID:NUMBER,ID:NUMBER, or select them in the list.`);
  }
  return html`<${Fragment}>
    <div class="heading"><div><h1>Compare ${subjects?.length > 1 ? `${subjects.length} ${kind}` : ""}</h1><p class="muted"><a href=${link("/")}>All campaigns</a></p></div>${names.length > 0 && html`<p class="actions"><${CopyButton} kind="button" name="link" load=${() => location.href}>Copy link</${CopyButton}></p>`}</div>
    ${problems.map((problem) => html`<p class="banner" role="alert" key=${problem}>${problem}</p>`)}
    ${subjects?.length > 0 && html`<${Numbers} subjects=${subjects} kind=${kind} />`}
    ${subjects?.length >= least && html`<${Figures} subjects=${subjects} kind=${kind} />`}
    ${subjects?.length > 0 && html`<${Settings} subjects=${subjects} kind=${kind} />`}
  <//>`;
}

render(html`<${Compare} />`, place);
