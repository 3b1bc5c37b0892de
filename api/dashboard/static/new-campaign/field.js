// One field of the form: its label, its control, what it means, its limits, its default and its errors.

import { html } from "../ui.js";
import { BudgetSlider } from "./budget-slider.js";
import { limitsText } from "./fields.js";
import { MarkedText, sentence } from "./marked-text.js";
import { defaultText, textOf } from "./values.js";

export const idOf = (path) => `field-${path.replaceAll(".", "-")}`;

const CUSTOM = "\u0000custom";

/** `entry` has `values`, `read` (`readForm`), `change(path, text)`, `reset(path)`, `leave(path)`, `names` (by source), `range`
 * and `notes` (by path) on fields that are still empty. */
export function Field({ field, entry, errors }) {
  const id = idOf(field.path);
  const isChanged = entry.read.isChanged(field);
  const describedBy = [`${id}-hint`, errors.length ? `${id}-error` : null].filter(Boolean).join(" ");
  const attributes = { id, "aria-describedby": describedBy, "aria-invalid": errors.length ? "true" : undefined, onBlur: () => entry.leave(field.path) };
  const isBudget = field.range !== null;
  return html`<div class=${`field ${field.kind} ${isBudget ? "is-wide" : ""} ${errors.length ? "is-invalid" : ""}`}>
    <div class="field-label">
      ${field.kind === "switch"
        ? html`<label><input type="checkbox" ...${attributes} checked=${entry.read.valueAt(field.path)} onChange=${(event) => entry.change(field.path, event.currentTarget.checked ? "true" : "")} /> ${field.title}</label>`
        : html`<label for=${id}>${field.title}${field.unit && html` <span class="muted">(${field.unit})</span>`}${field.isRequired && html` <span class="muted">(required)</span>`}</label>`}
      ${isChanged && field.kind !== "switch" && !field.isRequired && html`<button type="button" class="reset" aria-label=${`Reset ${field.title}`} onClick=${() => entry.reset(field.path)}>Reset</button>`}
    </div>
    ${field.kind !== "switch" && html`<${Control} field=${field} entry=${entry} attributes=${attributes} />`}
    ${isBudget && html`<${BudgetSlider} field=${field} entry=${entry} />`}
    ${errors.length > 0 && html`<p id=${`${id}-error`} class="field-error"><${MarkedText} text=${errors.map(sentence).join(" ")} /></p>`}
    <p id=${`${id}-hint`} class="hint"><${MarkedText} text=${hintOf(field, entry.read, errors.length ? null : entry.notes[field.path])} /></p>
  </div>`;
}

function hintOf(field, read, note) {
  const limits = field.kind === "number" ? limitsText(field.limits) : null;
  const preset = read.isChanged(field) && !field.isRequired && field.kind !== "switch" ? defaultText(field, read.defaultOf(field)) : null;
  return [note && sentence(note), sentence(field.description), limits && sentence(limits), preset && `Default: ${preset}.`].filter(Boolean).join(" ");
}

function Control({ field, entry, attributes }) {
  const preset = entry.read.defaultOf(field);
  const entered = entry.values[field.path];
  const onInput = (event) => entry.change(field.path, event.currentTarget.value);
  const names = field.source && entry.names[field.source];
  if (names) return html`<${Select} ...${{ field, entered, preset, attributes, onInput }} options=${names.map(({ name, note }) => [name, note ? `${name} – ${note}` : name])} />`;
  if (field.kind === "choice") {
    const options = field.choices.map((choice) => [String(choice), defaultText(field, choice)]);
    return html`<${Select} ...${{ field, entered, preset, attributes, onInput, options }} />`;
  }
  const placeholder = preset === undefined || preset === null ? defaultText(field, preset) : "";
  return html`<input ...${attributes} type="text" autocomplete="off" spellcheck="false" inputmode=${field.kind === "number" ? "decimal" : undefined}
    maxlength=${field.kind === "text" ? 1000 : undefined} placeholder=${field.isRequired ? "" : placeholder} required=${field.isRequired}
    value=${entered ?? textOf(field, preset)} onInput=${onInput} />`;
}

/** A list of values; one that allows an object besides has a place for its JSON. */
function Select({ field, entered, preset, attributes, onInput, options }) {
  const isKnown = !entered || options.some(([value]) => value === entered);
  const hasNull = preset === null || preset === undefined;
  const shown = entered || (hasNull ? "" : String(preset));
  const choose = (event) => onInput(event.currentTarget.value === CUSTOM ? { currentTarget: { value: "{}" } } : event);
  return html`<select ...${attributes} value=${isKnown ? shown : field.takesJson ? CUSTOM : entered} onInput=${choose}>
      ${hasNull && html`<option value="">${defaultText(field, preset)}</option>`}
      ${options.map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`)}
      ${field.takesJson && html`<option value=${CUSTOM}>another, as JSON</option>`}
      ${!isKnown && !field.takesJson && html`<option value=${entered}>${entered} – not there</option>`}
    </select>
    ${!isKnown && field.takesJson && html`<textarea class="json" rows="6" spellcheck="false" aria-label=${`${field.title} as JSON`} value=${entered} onInput=${onInput}></textarea>`}`;
}
