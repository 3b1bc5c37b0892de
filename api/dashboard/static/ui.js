// Components: Preact with tagged templates. All text is inserted as text, with the characters that reorder a line escaped.

import { displayed } from "./dom.js";
import htm from "./vendor/htm.js";
import { Fragment, h, render } from "./vendor/preact.js";

export { Fragment, render };
export { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "./vendor/hooks.js";

const escaped = (child) => (typeof child === "string" ? displayed(child) : Array.isArray(child) ? child.map(escaped) : child);

export const html = htm.bind((tag, attributes, ...children) => h(tag, attributes, ...children.map(escaped)));
