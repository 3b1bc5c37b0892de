// A figure that the service draws: an SVG in the page, with a note for the mark under the pointer.

import { onReconnected } from "./connection.js";
import { displayed } from "./dom.js";
import { FigureFiles } from "./figure-files.js";
import { DisconnectedError, getText, PendingError } from "./http.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./ui.js";

const REACH_PX = 14;
const WIDTH_STEP_PX = 20; // a figure is drawn again when its place has grown or shrunk by this much

/** The width that a figure is requested for, from that of its place, within what the service draws. */
function widthFor(place) {
  const [least, most] = document.body.dataset.figureWidths.split(" ").map(Number);
  return Math.min(most, Math.max(least, Math.floor(place.clientWidth / WIDTH_STEP_PX) * WIDTH_STEP_PX));
}

/**
 * The figure at `path` (without its suffix), laid out for the width of its place, and drawn again whenever `version`
 * changes. `query` is added to its address.
 * Marks with `data-tip` show it; a click on one with `data-trial` calls `onTrial` with the number. `onDrawn` is called
 * with the SVG element after each drawing. `empty` is the text for a figure that does not exist yet.
 */
export function Figure({ path, query = "", version, label, empty = "Nothing to show yet.", onTrial, onDrawn }) {
  const place = useRef(null);
  const [state, setState] = useState("loading");
  const [tip, setTip] = useState(null);
  const [width, setWidth] = useState(null);
  const [retries, setRetries] = useState(0);
  useLayoutEffect(() => {
    const resized = new ResizeObserver(() => { if (place.current.clientWidth) setWidth(widthFor(place.current)); });
    resized.observe(place.current);
    return () => resized.disconnect();
  }, []);
  const address = width && `${path}.svg?style=page&width=${width}${query && `&${query}`}`;
  useEffect(() => {
    if (address === null) return;
    const aborted = new AbortController();
    let retry = null;
    const again = () => setRetries((count) => count + 1);
    const stopListening = onReconnected(again);
    getText(address, aborted.signal)
      .then((text) => {
        const svg = text && document.importNode(new DOMParser().parseFromString(text, "image/svg+xml").documentElement, true);
        place.current.replaceChildren(...(svg ? [svg] : []));
        setState(svg ? "drawn" : "empty");
        if (svg) onDrawn?.(svg);
      })
      .catch((error) => {
        if (error.name === "AbortError" || error instanceof DisconnectedError) return;
        setState(error.message);
        if (error instanceof PendingError) retry = setTimeout(again, 1000 * error.retrySeconds);
      });
    return () => { aborted.abort(); clearTimeout(retry); stopListening(); };
  }, [address, version, retries]);
  const files = Object.fromEntries(["svg", "pdf"].map((suffix) => [suffix, `${path}.${suffix}${query && `?${query}`}`]));
  const onMove = (event) => {
    const mark = nearest(place.current, event);
    const frame = place.current.getBoundingClientRect();
    setTip(mark && { text: mark.dataset.tip, x: event.clientX - frame.left, y: event.clientY - frame.top });
  };
  const onClick = (event) => {
    const trial = nearest(place.current, event)?.dataset.trial;
    if (trial !== undefined) onTrial?.(Number(trial));
  };
  return html`<div class="drawn-figure">
    <div class="drawing" ref=${place} role="group" aria-label=${label} onPointerMove=${onMove} onPointerLeave=${() => setTip(null)} onClick=${onClick}></div>
    ${state === "drawn" && html`<${FigureFiles} files=${files} />`}
    ${state !== "drawn" && html`<p class="placeholder">${state === "loading" ? "" : state === "empty" ? empty : state}</p>`}
    ${tip && html`<output class="tip" style=${{ left: `${tip.x}px`, top: `${tip.y}px` }}>${displayed(tip.text)}</output>`}
  </div>`;
}

/** The mark with a note under the pointer, or else the nearest one within reach. */
function nearest(place, event) {
  const under = event.target.closest?.("[data-tip]");
  if (under) return under;
  let found = null, least = REACH_PX;
  for (const mark of place.querySelectorAll("circle[data-tip]")) {
    const { left, top, width, height } = mark.getBoundingClientRect();
    const distance = Math.hypot(event.clientX - left - width / 2, event.clientY - top - height / 2);
    if (distance < least) [found, least] = [mark, distance];
  }
  return found;
}
