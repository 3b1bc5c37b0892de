"""The importance of each block for the reward, with its uncertainty; and the multipliers of the trials in parallel."""

from __future__ import annotations

import math

from nas_controller.campaigns.block_importance import Importance
from nas_controller.campaigns.figure_data import Parallel
from nas_controller.drawings.chart import LINE, Axis, Box, Entry, Plot, block_axis, chart, dots, legend
from nas_controller.drawings.scales import padded
from nas_controller.drawings.sheet import Canvas, NothingToDrawError, Sheet, attribute, tipped
from nas_controller.drawings.style import MINUS, ROLES, TEXT_PX, styled, text_width
from search_space.diagram.svg import length, rectangle
from search_space.display import counted
from search_space.topology import BLOCKS

_LEVELS = {block.number: block.level for block in BLOCKS}
_SPREAD = 0.32
"""How far strands of one multiplier spread to either side, as a share of the distance to the next multiplier."""
_FAINTEST, _STRONGEST, _CONTRAST = 0.05, 1.0, 6
"""Opacities by rank: most rewards of a search are close together, so that by value nearly all strands are strong."""
_SCALE_STEPS, _SCALE_WIDTH = 12, 96.0


def importance(figure: Importance, sheet: Sheet) -> str:
    """The effect of doubling each block's multiplier, with its 95 % interval.

    Raises NothingToDrawError for too few trials.
    """
    if figure.effect is None or figure.low is None or figure.high is None:
        raise NothingToDrawError(_why_none(figure))
    triples = list(zip(figure.effect, figure.low, figure.high, strict=True))
    sure = [low > 0 or high < 0 for _, low, high in triples]
    known = [str(block) for block, is_sure in zip(figure.block, sure, strict=True) if is_sure]
    about = "Effect of doubling each block's multiplier on the AP. Intervals without 0: "
    about += f"blocks {', '.join(known)}." if known else "none."
    canvas = Canvas(sheet, "importance", "Importance of each block for the AP", about)
    entries = [
        Entry("line", "interval", "95 % interval on one side of 0"),
        Entry("line", "unsure", "around 0: direction unknown"),
    ]
    top = legend(canvas, canvas.left, canvas.right, canvas.top, entries)
    y = Axis("AP by doubling the multiplier", *padded([0.0, *figure.low, *figure.high], least=1e-3))
    axis = block_axis(figure.block, [_LEVELS[block] for block in figure.block])
    plot = chart(canvas, Box(canvas.left, canvas.right, top, 210.0), axis, y, _note(figure))
    zero, (left, _, right, _) = length(plot.y(0.0)), plot.box()
    canvas.add(f'<path {styled("axis")} d="M{length(left)} {zero} H{length(right)}"/>')
    for index, (block, (effect, low, high), is_sure) in enumerate(zip(figure.block, triples, sure, strict=True)):
        x = plot.x(index)
        tip = tipped(
            f"block {block}, L{_LEVELS[block]} · {_signed(effect)} AP by doubling · "
            f"95 % interval {_signed(low)} to {_signed(high)}"
        )
        line, mark = ("interval", "best-mark") if is_sure else ("unsure", "unsure-mark")
        canvas.add(f'<path {styled(line)} {tip} d="M{length(x)} {length(plot.y(low))} V{length(plot.y(high))}"/>')
        canvas.extend(dots(mark, [(x, plot.y(effect), tip)], 4))
    return canvas.finish(plot.bottom)


def _why_none(figure: Importance) -> str:
    if figure.trials >= figure.needed:
        return "all rewards are equal, so no block matters more than another"
    return f"needs at least {figure.needed} trained architectures; {figure.trials} so far"


def _note(figure: Importance) -> str:
    if figure.explained is None:
        return counted(figure.trials, "trial")
    explained = max(0, round(100 * figure.explained))
    return f"{figure.trials:,} trials; explains {explained} % of the variance"


def _signed(value: float) -> str:
    return f"{value:+z.4f}".replace("-", MINUS)


def parallel(figure: Parallel, sheet: Sheet) -> str:
    """The multipliers of trials as strands over the blocks, the stronger the higher their rank by reward.

    Strands of the same multiplier are spread by their reward, the highest at the top. Each has `data-trial`,
    `data-reward` and `data-choices`, the indices of its multipliers. Raises NothingToDrawError without a sampled trial.
    """
    if not figure.number:
        raise NothingToDrawError("no sampled architecture has been trained yet")
    about = f"Multipliers of {len(figure.number):,} of {figure.of:,} trials over the blocks, coloured by their rank."
    canvas = Canvas(sheet, "parallel", "Multipliers by block, coloured by the rank of the AP", about)
    low, high = min(figure.reward), max(figure.reward)
    top = _legend(canvas, low, high, figure.best_number)
    rows = len(figure.choices)
    ticks = [(index, f"{choice:g}") for index, choice in enumerate(figure.choices)]
    if rows > 16:
        ticks = ticks[:: math.ceil(rows / 16)]
    y = Axis("multiplier", -0.5, rows - 0.5, ticks=ticks, has_grid=False)
    axis = block_axis(figure.block, [_LEVELS[block] for block in figure.block])
    shown = len(figure.number)
    note = f"{shown:,} of {figure.of:,} trials shown" if shown < figure.of else ""
    plot = chart(canvas, Box(canvas.left, canvas.right, top, 250.0), axis, y, note)
    _, upper, _, lower = plot.box()
    for index in range(len(figure.block)):
        x = length(plot.x(index))
        canvas.add(f'<path {styled("grid")} d="M{x} {length(upper)} V{length(lower)}"/>')
    order = sorted(range(shown), key=lambda index: (figure.reward[index], -figure.number[index]))
    for rank, index in enumerate(order):
        canvas.add(_strand(plot, figure, index, rank / max(1, shown - 1)))
    return canvas.finish(plot.bottom)


def _strand(plot: Plot, figure: Parallel, index: int, rank: float) -> str:
    """One trial; `rank` is its place by reward, 0 to 1."""
    trial, reward, chosen = figure.number[index], figure.reward[index], figure.chosen[index]
    shift = (2 * rank - 1) * _SPREAD
    points = " ".join(f"{plot.x(block):.1f},{plot.y(choice + shift):.1f}" for block, choice in enumerate(chosen))
    data = f'data-reward="{reward!r}" data-choices="{attribute(",".join(map(str, chosen)))}"'
    tip = tipped(f"trial {trial} · AP {reward:.3f}", trial)
    if trial == figure.best_number:
        return f'<polyline {styled("strand-best")} {tip} {data} points="{points}"/>'
    stroke = f'stroke-opacity="{_opacity(rank):.2f}" stroke-width="{0.8 + 0.8 * rank:.1f}"'
    return f'<polyline class="f-strand" {ROLES["strand"]} {stroke} {tip} {data} points="{points}"/>'


def _opacity(rank: float) -> float:
    """The opacity of a strand by its place by reward, 0 to 1."""
    return _FAINTEST + (_STRONGEST - _FAINTEST) * rank**_CONTRAST


def _legend(canvas: Canvas, low: float, high: float, best: int | None) -> float:
    x, y = canvas.left, canvas.top
    base = y + TEXT_PX - 1
    canvas.text("ink", x, base, f"AP {low:.3f}")
    x = round(x + text_width(f"AP {low:.3f}") + 8)  # whole px, or the steps of the scale have seams
    step = _SCALE_WIDTH / _SCALE_STEPS
    for index in range(_SCALE_STEPS):
        opacity = _opacity(index / (_SCALE_STEPS - 1))
        box = rectangle(x + index * step, y, step, 13)
        canvas.add(f'<rect {styled("heat-high")} fill-opacity="{opacity:.3f}" shape-rendering="crispEdges" {box}/>')
    canvas.add(f"<rect {styled('frame')} {rectangle(x, y, _SCALE_WIDTH, 13)}/>")
    x += _SCALE_WIDTH + 8
    canvas.text("ink", x, base, f"{high:.3f}")
    if best is None:
        return y + LINE + 8
    x += text_width(f"{high:.3f}") + 18
    if x + text_width(f"best, trial {best}") + 26 > canvas.right:
        x, y = canvas.left, y + LINE + 3
    return legend(canvas, x, canvas.right, y, [Entry("line", "strand-best", f"best, trial {best}")]) + 3
