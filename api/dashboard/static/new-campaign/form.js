// The form of a new campaign.

import { DisconnectedError } from "../http.js";
import { repeatablePost } from "../repeatable-post.js";
import { link } from "../root.js";
import { html, useMemo, useRef, useState } from "../ui.js";
import { CloneNote } from "./clone-note.js";
import { CommandsCard } from "./commands-card.js";
import { DryRunDialog } from "./dry-run-dialog.js";
import { dryRun, useDryRun } from "./dry-run.js";
import { useEntries } from "./entries.js";
import { errorsByField } from "./errors.js";
import { idOf } from "./field.js";
import { Group } from "./group.js";
import { NoDatasets } from "./no-datasets.js";
import { saveValues } from "./saved.js";
import { StatusCard } from "./status-card.js";
import { documentOf, missingFields, readForm, refusedNumbers } from "./values.js";

/** `page` has what the template knows, `names` the names of the lists that fields choose from, by source. */
export function CampaignForm({ page, schema, fields, names, original, initial }) {
  const entries = useEntries(fields, initial, original?.id ?? null);
  const { values } = entries;
  const read = useMemo(() => readForm(fields, values), [values]);
  const document = useMemo(() => documentOf(fields, values), [values]);
  const missing = useMemo(() => missingFields(fields, read), [read]);
  const known = useMemo(() => [...missing, ...refusedNumbers(fields, read)], [read]);
  const answer = useDryRun(document, page.profileWithoutData, known);
  const [wasSubmitted, setSubmitted] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState(null);
  const [shownRun, setShownRun] = useState(null);
  const form = useRef(null), post = useRef(repeatablePost());

  const errors = errorsByField(fields, answer.problem);
  const wrong = fields.filter(({ path }) => errors[path]);
  /** An empty field is no mistake before it is visited. */
  const errorsOf = (path) => (errors[path] && (wasSubmitted || entries.isVisited(path) || read.isSet(path)) ? errors[path] : []);
  const notes = Object.fromEntries(missing.filter(({ field }) => !read.field(field).isRequired).map(({ field, message }) => [field, message]));
  const entry = { ...entries, read, names, range: answer.range, notes };

  const focusField = ({ path }) => {
    const control = form.current.querySelector(`#${idOf(path)}`);
    if (!control) return;
    for (let fold = control.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    control.focus();
  };

  const requests = {
    "": () => post.current("/v1/campaigns", document),
    draft: () => post.current("/v1/campaigns?draft=true", document),
    "dry-run": () => dryRun(document),
  };
  const onSubmit = async (event) => {
    event.preventDefault();
    const wanted = event.submitter?.value ?? "";
    setSubmitted(true);
    setRefusal(null);
    if (known.length) return focusField(read.field(known[0].field));
    setBusy(true);
    try {
      const made = await requests[wanted]();
      if (wanted === "dry-run") { setShownRun(made); return; }
      saveValues(original?.id ?? null, null);
      location.assign(link(`/campaigns/${encodeURIComponent(made.id)}`));
    } catch (error) {
      const refused = errorsByField(fields, error.problem);
      const first = fields.find(({ path }) => refused[path] && read.isShown(read.field(path)));
      answer.refused(document, error.problem);
      setRefusal(error instanceof DisconnectedError ? "The service did not respond. What you entered is kept; send it again once it is back: no second campaign is created" : first ? null : error.message);
      if (first) setTimeout(() => focusField(first));
    } finally {
      setBusy(false);
    }
  };

  const startOver = () => { entries.startOver(); setSubmitted(false); setRefusal(null); };
  const isEmpty = JSON.stringify(values) === JSON.stringify(initial);
  return html`<form ref=${form} class="new-campaign" novalidate onSubmit=${onSubmit}>
    <div class="groups">
      ${original && html`<${CloneNote} original=${original} fields=${fields} before=${page.valuesOfOriginal} entry=${entry} />`}
      ${entries.isRestored && html`<p class="banner restored">What you had entered is restored. <button type="button" class="plain" onClick=${startOver}>Start over</button></p>`}
      ${schema["x-groups"].map((title) => html`<${Group} key=${title} title=${title} fields=${fields.filter(({ group }) => group === title)} entry=${entry} errorsOf=${errorsOf} />
        ${names["/v1/datasets"].length === 0 && fields.some((field) => field.group === title && field.source === "/v1/datasets") && html`<${NoDatasets} commands=${page.datasetCommands} profile=${page.profileWithoutData} />`}`)}
    </div>
    <aside aria-label="Result">
      <${StatusCard} answer=${answer} wrong=${wrong} general=${errors[""] ?? []} refusal=${refusal} isBusy=${isBusy} onField=${focusField} onDismiss=${() => setRefusal(null)} />
      <${CommandsCard} document=${document} service=${page.service} />
      ${!isEmpty && !entries.isRestored && html`<p><button type="button" class="plain" onClick=${startOver}>Start over</button></p>`}
    </aside>
    ${shownRun && html`<${DryRunDialog} found=${shownRun} onClose=${() => setShownRun(null)} />`}
  </form>`;
}
