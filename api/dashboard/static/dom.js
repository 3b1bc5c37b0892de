// Builds DOM elements; all text is inserted as text, never as markup.

export const byId = (id) => document.getElementById(id);

const UNSAFE = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]/g;

/** A text with every character escaped that reorders a line or ends it, as in `search_space/display.py`. */
export const displayed = (text) =>
  String(text).replace(UNSAFE, (found) => {
    const code = found.charCodeAt(0).toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, "0")}` : `\\u${code.padStart(4, "0")}`;
  });

/** An element with attributes (`class`, `href`, ...) and children, which are elements or text. */
export function element(tag, attributes = {}, ...children) {
  const created = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) created.setAttribute(name, value === true ? "" : displayed(value));
  }
  created.append(...children.map((child) => (child instanceof Node ? child : displayed(child))));
  return created;
}

/** Sets the text of an element if it differs, so that screen readers announce only changes. */
export function setText(id, text) {
  const target = byId(id), shown = displayed(text);
  if (target.textContent !== shown) target.textContent = shown;
}

/** A label for a state. */
export function statePill(state) {
  return element("span", { class: "state", "data-state": state }, state);
}
