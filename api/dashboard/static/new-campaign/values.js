// What has been entered into a form, by the path of the field and as text, and the document that it stands for.
//
// A text that is no number stays a text. Types and limits are judged by the schema, all else by the service.

import { limitsText } from "./fields.js";

const NUMBER = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i;

const THOUSANDS = /^[-+]?\d{1,3}(?:,\d{3})+(?:\.\d*)?$/;

const number = (text) => (NUMBER.test(text) ? Number(text) : text);

/** The value that a text stands for. */
export function parsed(field, text) {
  const trimmed = text.trim();
  if (field.kind === "switch") return trimmed === "true";
  if (field.kind === "number") return number(THOUSANDS.test(trimmed) ? trimmed.replaceAll(",", "") : trimmed);
  if (field.kind === "list") return trimmed.split(/[\s,]+/).filter(Boolean).map(number);
  if (field.kind === "widths") return widths(trimmed);
  if (field.kind !== "choice") return text;
  const chosen = field.choices.find((choice) => String(choice) === trimmed);
  if (chosen !== undefined || !field.takesJson) return chosen ?? text;
  try { return JSON.parse(trimmed); } catch { return text; } // the service says what is wrong with it
}

/** A width of all blocks, or `10: 160, 12: 96`. */
function widths(text) {
  if (!text.includes(":")) return number(text);
  const pairs = text.split(",").map((pair) => pair.split(":").map((part) => part.trim()));
  return Object.fromEntries(pairs.map(([block, width = ""]) => [block, number(width)]));
}

/** The text of a value, which `parsed` reads as this value. */
export function textOf(field, value) {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return value.join(", ");
  if (typeof value !== "object") return String(value);
  if (field.kind === "widths") return Object.entries(value).map((pair) => pair.join(": ")).join(", ");
  return JSON.stringify(value);
}

const equal = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** A form's fields by path, with what `values` (texts by path) makes of them. */
export function readForm(fields, values) {
  const byPath = new Map(fields.map((field) => [field.path, field]));
  const isSet = (path) => (values[path] ?? "").trim() !== "";
  const valueAt = (path) => (isSet(path) ? parsed(byPath.get(path), values[path]) : defaultOf(byPath.get(path)));
  /** undefined where the default follows from a field whose own value is left to the service. */
  const defaultOf = ({ default: fixed, defaults }) => {
    if (!defaults) return fixed;
    const chosen = valueAt(defaults.path);
    return chosen === null || chosen === undefined ? undefined : defaults.values[chosen] ?? null;
  };
  const isShown = ({ within, applies }) => {
    if (within && valueAt(within) !== true) return false;
    if (!applies) return true;
    const other = byPath.get(applies.path);
    const chosen = valueAt(applies.path);
    if (chosen === undefined) return applies.values.some((value) => other.choices.includes(value));
    return applies.values.includes(chosen);
  };
  const differs = (field) => isSet(field.path) && !equal(valueAt(field.path), defaultOf(field));
  /** Where null is allowed, the service makes the default from other fields too, so an equal value is a choice of its own. */
  const isChanged = (field) => (field.isNullable ? isSet(field.path) : differs(field));
  return { isSet, valueAt, isShown, isChanged, differs, defaultOf, field: (path) => byPath.get(path) };
}

/** The fields without which the service refuses the document, as the errors of its problem document would name them. */
export function missingFields(fields, form) {
  const named = (message) => message.replaceAll(/\{([\w.]+)\}/g, (_, path) => form.valueAt(path));
  const isNeeded = ({ needed }) => needed?.values.includes(form.valueAt(needed.path));
  return fields.filter((field) => form.isShown(field) && !form.isSet(field.path)).flatMap((field) => {
    if (field.isRequired) return [{ field: field.path, message: "this field is required" }];
    return isNeeded(field) ? [{ field: field.path, message: named(field.needed.message) }] : [];
  });
}

/** The numbers that the schema refuses, as the errors of the service's problem document. A text with digits may have a unit. */
export function refusedNumbers(fields, form) {
  const numbers = fields.filter((field) => field.kind === "number" && form.isShown(field) && form.isSet(field.path));
  return numbers.flatMap((field) => {
    const value = form.valueAt(field.path), limits = limitsText(field.limits), { least, above, most, below } = field.limits;
    const is = typeof value === "number" ? String(value) : `'${value.slice(0, 60)}'`;
    if (typeof value !== "number" && /\d/.test(value)) return [];
    if (typeof value !== "number" || (field.isWhole && !Number.isInteger(value))) {
      return [{ field: field.path, message: `${is} is not a ${field.isWhole ? "whole " : ""}number${limits ? ` (${limits})` : ""}` }];
    }
    const isInside = !(value < least || value <= above || value > most || value >= below); // a missing limit compares as false
    return isInside ? [] : [{ field: field.path, message: `${is} is out of range; it must be ${limits}` }];
  });
}

/** The document of the fields that are shown and differ from their defaults. */
export function documentOf(fields, values) {
  const form = readForm(fields, values);
  const document = {};
  for (const field of fields) {
    if (!form.isShown(field) || !form.isChanged(field)) continue;
    if (field.kind === "switch") assign(document, field.path, {});
    else assign(document, field.path, field.kind === "text" ? values[field.path] : form.valueAt(field.path));
  }
  return document;
}

function assign(document, path, value) {
  const names = path.split(".");
  const last = names.pop();
  const object = names.reduce((inner, name) => (inner[name] ??= {}), document);
  object[last] ??= value;
}

const at = (document, path) => path.split(".").reduce((inner, name) => inner?.[name], document);

/** What has to be entered to get the document `spec`, without what is a default anyway. */
export function valuesOf(fields, spec) {
  const given = fields.flatMap((field) => {
    const value = at(spec, field.path);
    if (value === null || value === undefined) return [];
    return [[field.path, field.kind === "switch" ? "true" : textOf(field, value)]];
  });
  const all = Object.fromEntries(given);
  const form = readForm(fields, all);
  return Object.fromEntries(given.filter(([path]) => form.isShown(form.field(path)) && form.differs(form.field(path))));
}

/** The fields in which two sets of values differ, as `{ field, before, after }` with texts of what holds in each. */
export function differences(fields, before, after) {
  const documents = [before, after].map((values) => documentOf(fields, values));
  const forms = [before, after].map((values) => readForm(fields, values));
  return fields.flatMap((field) => {
    const [first, second] = documents.map((document) => at(document, field.path));
    if (field.kind === "switch" ? (first === undefined) === (second === undefined) : equal(first, second)) return [];
    const [from, to] = forms.map((form) => shownText(field, form));
    return [{ field, before: from, after: to }];
  });
}

/** The text of what holds in a form: what was entered, the default, or what null means. */
export function shownText(field, form) {
  if (!form.isShown(field)) return "–";
  if (field.kind === "switch") return form.valueAt(field.path) ? "yes" : "no";
  return defaultText(field, form.valueAt(field.path));
}

/** The text of a default. */
export function defaultText(field, value) {
  if (value === undefined) return "that of the profile";
  if (value === null) return field.nullText ?? "none";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "number" ? value.toLocaleString("en", { maximumSignificantDigits: 12 }) : textOf(field, value);
}
