// JSON values as YAML 1.2.

const PLAIN = /^[A-Za-z][A-Za-z0-9_.+-]*(?: [A-Za-z0-9_.+-]+)*$/;
const OTHER_TYPES = /^(?:true|false|null|yes|no|on|off|y|n)$/i;

/** The text of a value, which ends with a line break. */
export const toYaml = (value) => `${block(value, "").trimStart()}\n`;

function block(value, indent) {
  if (Array.isArray(value)) {
    const isFlat = value.every((each) => each === null || typeof each !== "object");
    return isFlat ? ` [${value.map(scalar).join(", ")}]` : value.map((each) => `\n${indent}-${block(each, `${indent}  `)}`).join("");
  }
  if (value === null || typeof value !== "object") return ` ${scalar(value)}`;
  const entries = Object.entries(value);
  if (!entries.length) return " {}";
  return entries.map(([key, each]) => `\n${indent}${scalar(key)}:${block(each, `${indent}  `)}`).join("");
}

/** A text is quoted where another reading of it is possible. */
const scalar = (value) => (typeof value === "string" && PLAIN.test(value) && !OTHER_TYPES.test(value) ? value : quoted(value));

/** As JSON, with the characters escaped that YAML takes for the end of a line or does not allow. */
const quoted = (value) => JSON.stringify(value).replace(/[\x7f-\x9f\u2028\u2029\ufeff]/g, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);
