// Which lines of the parallel coordinates a selection matches, by multipliers of blocks and by reward.

/** The lines of a drawing: the trial, its reward, the indices of its multipliers, and the corners [axis][x, y] where the line is straight. */
export function linesOf(svg) {
  return [...svg.querySelectorAll("[data-choices]")].map((element) => ({
    element,
    trial: Number(element.dataset.trial),
    reward: Number(element.dataset.reward),
    choices: numbers(element.dataset.choices),
    corners: pairs(numbers(element.getAttribute("points"))),
  }));
}

const numbers = (text) => (text.match(/-?\d+(?:\.\d+)?(?:e-?\d+)?/g) ?? []).map(Number);
const pairs = (flat) => flat.flatMap((x, index) => (index % 2 ? [] : [[x, flat[index + 1]]]));

export const NOTHING = { blocks: {}, rewards: [null, null] };

export const isEmpty = ({ blocks, rewards }) => !Object.keys(blocks).length && rewards.every((end) => end === null);

/** Whether a line has one of the chosen indices on every axis with a choice, and a reward in the range. */
export function matches({ choices, reward }, { blocks, rewards: [lowest, highest] }) {
  return Object.entries(blocks).every(([axis, chosen]) => chosen.includes(choices[axis]))
    && (lowest === null || reward >= lowest) && (highest === null || reward <= highest);
}

/** The selection with these indices on an axis; an empty list lifts the choice there. */
export function withChoices(selection, axis, chosen) {
  const { [axis]: _, ...others } = selection.blocks;
  return { ...selection, blocks: chosen.length ? { ...others, [axis]: chosen } : others };
}

/** The axis whose x is nearest; -1 where the lines have no corners. */
export function nearestAxis(lines, x) {
  const corners = lines[0]?.corners ?? [];
  return corners.reduce((nearest, [at], axis) => (nearest < 0 || Math.abs(at - x) < Math.abs(corners[nearest][0] - x) ? axis : nearest), -1);
}

/** The selection of what runs through an axis between two heights. */
export function withDragged(selection, lines, axis, [from, to]) {
  const [top, bottom] = [Math.min(from, to), Math.max(from, to)];
  const inside = lines.filter(({ corners }) => corners[axis][1] >= top && corners[axis][1] <= bottom);
  return withChoices(selection, axis, [...new Set(inside.map(({ choices }) => choices[axis]))].sort((one, other) => one - other));
}
