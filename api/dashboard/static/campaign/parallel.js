// The multipliers of all architectures as parallel coordinates. A selection by multipliers and reward fades the others.

import { decimal } from "../format.js";
import { html, useEffect, useRef, useState } from "../ui.js";
import { isEmpty, linesOf, matches, nearestAxis, NOTHING, withChoices, withDragged } from "./brush.js";
import { FigureCard } from "./figure-card.js";

const SVG = "http://www.w3.org/2000/svg";
const MIN_DRAG = 4, BRUSH_WIDTH = 12; // in units of the drawing

/** The props are those of a figure card. */
export function ParallelCard({ campaign, ...figure }) {
  const [lines, setLines] = useState([]);
  const [selection, setSelection] = useState(NOTHING);
  const latest = useRef(null);
  latest.current = (axis, heights) => setSelection((selected) => withDragged(selected, lines, axis, heights));
  const onDrawn = (svg) => {
    const drawn = linesOf(svg);
    setLines(drawn);
    listenForDrags(svg, drawn, (axis, heights) => latest.current(axis, heights));
  };
  const shown = lines.filter((line) => matches(line, selection)).length;
  useEffect(() => {
    for (const line of lines) line.element.classList.toggle("faded", !matches(line, selection));
  }, [lines, selection]);
  return html`<${FigureCard} ...${figure} exists=${campaign.trials_finished > 1} empty="No sampled architecture has been trained yet." isWide title="Architectures by reward" onDrawn=${onDrawn}
      label="The multipliers of each block and the reward, one line for each architecture"
      note="One line for each architecture. Drag over an axis, or choose below, to keep those that match.">
    ${lines.length > 0 && html`<${Selection} campaign=${campaign} lines=${lines} selection=${selection} onSelect=${setSelection} />
      <p class="matching muted" role="status">${isEmpty(selection) ? `${lines.length} architectures` : `${shown} of ${lines.length} architectures match`}</p>`}
  </${FigureCard}>`;
}

function Selection({ campaign, lines, selection, onSelect }) {
  const [axis, setAxis] = useState(0);
  const blocks = campaign.spec.search_space.searched_blocks ?? lines[0].choices.map((_, index) => index + 1);
  const multipliers = campaign.spec.search_space.choices;
  const chosen = selection.blocks[axis] ?? [];
  const toggle = (index) => onSelect(withChoices(selection, axis, chosen.includes(index) ? chosen.filter((each) => each !== index) : [...chosen, index]));
  const named = (indices) => indices.map((index) => multipliers[index]).join(", ");
  const setReward = (end, text) => onSelect({ ...selection, rewards: selection.rewards.map((old, index) => (index === end ? (text === "" ? null : Number(text)) : old)) });
  const reward = (end, name) => html`<label>${name} <input type="number" step="0.001" min="0" max="1" value=${selection.rewards[end] === null ? "" : decimal(selection.rewards[end])} onChange=${(event) => setReward(end, event.currentTarget.value)} /></label>`;
  return html`<div class="selection" role="group" aria-label="Selection of architectures">
    <label>Block <select value=${axis} onChange=${(event) => setAxis(Number(event.currentTarget.value))}>
      ${blocks.map((block, index) => html`<option key=${block} value=${index}>${block}${selection.blocks[index] ? ` (${named(selection.blocks[index])})` : ""}</option>`)}
    </select></label>
    <span role="group" aria-label=${`Multipliers of block ${blocks[axis]}`}>${multipliers.map((value, index) => html`<label key=${value}><input type="checkbox" checked=${chosen.includes(index)} onChange=${() => toggle(index)} /> ${value}</label>`)}</span>
    <span>${reward(0, "Reward from")} ${reward(1, "to")}</span>
    <button type="button" class="plain" disabled=${isEmpty(selection)} onClick=${() => onSelect(NOTHING)}>Clear</button>
  </div>`;
}

/** Calls `onDrag(axis, [from, to])` after a drag along an axis, in coordinates of the drawing, and shows the dragged range. */
function listenForDrags(svg, lines, onDrag) {
  const at = (event) => new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  let started = null;
  const range = document.createElementNS(SVG, "rect");
  range.setAttribute("class", "brush");
  svg.addEventListener("pointerdown", (event) => {
    const { x, y } = at(event), axis = nearestAxis(lines, x);
    if (axis >= 0 && event.button === 0) started = { axis, y };
  });
  svg.addEventListener("pointermove", (event) => {
    if (started === null) return;
    const { y } = at(event), height = Math.abs(y - started.y);
    if (height < MIN_DRAG) return;
    svg.setPointerCapture(event.pointerId);
    const place = { x: lines[0].corners[started.axis][0] - BRUSH_WIDTH / 2, y: Math.min(y, started.y), width: BRUSH_WIDTH, height };
    for (const [name, value] of Object.entries(place)) range.setAttribute(name, value);
    svg.append(range);
  });
  svg.addEventListener("pointerup", (event) => {
    const { y } = at(event);
    if (started !== null && Math.abs(y - started.y) >= MIN_DRAG) onDrag(started.axis, [started.y, y]);
    started = null;
    range.remove();
  });
  svg.addEventListener("pointercancel", () => { started = null; range.remove(); });
}
