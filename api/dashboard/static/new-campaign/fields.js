// The fields of a form, from the JSON Schema of a document (docs/api.md, "The schema of campaigns").

const own = (schema, node) => (node.$ref ? { ...schema.$defs[node.$ref.split("/").pop()], ...node } : node);

/**
 * The fields of `schema`, in the order of its groups. Each has `path`, `group`, `fold`, `title`, `description`, `unit`,
 * `nullText`, `kind` (`switch`, `choice`, `number`, `list`, `widths`, `text`), `choices`, limits, `default`, and, where
 * they depend on other fields, `defaults`, `applies` and `needed` with the path of that field. A `switch` stands for an object that
 * may be null; its fields have its path as `within`.
 */
export function schemaFields(schema) {
  const fields = objectFields(schema, schema, "", {});
  return schema["x-groups"].flatMap((group) => fields.filter((field) => field.group === group));
}

function objectFields(schema, object, prefix, { group, within }) {
  const required = new Set(object.required);
  return Object.entries(object.properties).flatMap(([name, property]) => {
    const path = `${prefix}${name}`;
    const { forms, isNullable } = alternatives(schema, property);
    const inherited = { group: property["x-group"] ?? group, within };
    const objects = forms.filter((form) => form.properties);
    if (forms.length > 1 || !objects.length) return [{ ...described(schema, property, path, prefix, forms), isNullable, isRequired: required.has(name), ...inherited }];
    const [only] = objects;
    if (!isNullable || Object.values(only.properties).every((each) => alternatives(schema, each).isNullable && each.default === null)) {
      return objectFields(schema, only, `${path}.`, inherited);
    }
    const toggle = { ...heading(property, path, prefix), kind: "switch", default: false, ...inherited };
    return [toggle, ...objectFields(schema, only, `${path}.`, { ...inherited, within: path })];
  });
}

/** The alternatives of a property's values besides null. */
function alternatives(schema, property) {
  const all = (property.anyOf ?? [property]).map((form) => own(schema, form));
  const forms = all.filter((form) => form.type !== "null");
  return { forms, isNullable: forms.length < all.length || (property.enum ?? []).includes(null) };
}

function heading(property, path, prefix) {
  const dependence = (hint, key) => hint && { path: `${prefix}${hint[key]}`, values: hint.values };
  return {
    path, title: property.title, description: property.description, fold: property["x-fold"] ?? null, unit: property["x-unit"] ?? null,
    nullText: property["x-null"] ?? null, range: property["x-range"] ?? null, source: property["x-source"] ?? null,
    defaults: dependence(property["x-defaults"], "by") ?? null, applies: dependence(property["x-applies"], "to") ?? null,
    needed: property["x-needed"] ? { ...dependence(property["x-needed"], "by"), message: property["x-needed"].message } : null,
  };
}

function described(schema, property, path, prefix, forms) {
  const merged = { ...forms[0], ...property };
  const { minimum: least, exclusiveMinimum: above, maximum: most, exclusiveMaximum: below } = merged;
  return { ...heading(property, path, prefix), ...kindOf(merged, forms), default: property.default ?? null, limits: { least, above, most, below } };
}

function kindOf(merged, forms) {
  const hasObject = forms.some((form) => form.type === "object");
  const choices = merged.enum?.filter((choice) => choice !== null) ?? (merged.const === undefined ? null : [merged.const]);
  if (choices) return { kind: "choice", choices, takesJson: hasObject };
  if (merged.type === "boolean") return { kind: "choice", choices: [true, false], takesJson: false };
  if (hasObject) return { kind: "widths" };
  if (merged.type === "array") return { kind: "list" };
  return merged.type === "string" ? { kind: "text" } : { kind: "number", isWhole: merged.type === "integer" };
}

/** `1 to 100,000`, `above 0 and at most 1`; null without limits. */
export function limitsText({ least, above, most, below }) {
  const number = (value) => value.toLocaleString("en", { maximumSignificantDigits: 12 });
  if (least !== undefined && most !== undefined) return `${number(least)} to ${number(most)}`;
  const parts = [
    least !== undefined && `${number(least)} or more`, above !== undefined && `above ${number(above)}`,
    most !== undefined && `at most ${number(most)}`, below !== undefined && `below ${number(below)}`,
  ].filter(Boolean);
  return parts.length ? parts.join(" and ") : null;
}
