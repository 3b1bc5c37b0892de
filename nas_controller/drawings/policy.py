"""The policy: a heat map of its probabilities, and its entropy over the rewards."""

from __future__ import annotations

from collections.abc import Sequence

from nas_controller.campaigns.figure_data import Entropy, PolicyFigure
from nas_controller.drawings.chart import LINE, Axis, Box, Plot, block_axis, chart, dots, polyline
from nas_controller.drawings.scales import Ticks, number, padded
from nas_controller.drawings.sheet import Canvas, NothingToDrawError, Sheet, tipped
from nas_controller.drawings.style import MINUS, TEXT_PX, styled, text_width
from search_space.diagram.svg import length, rectangle
from search_space.display import counted
from search_space.topology import BLOCKS

LEAST_SPREAD = 0.01
"""The colours span at least this much, so that a policy that has learned nothing looks even."""
_LEVELS = {block.number: block.level for block in BLOCKS}
_SCALE_STEPS, _SCALE_WIDTH = 24, 144.0


def policy(figure: PolicyFigure, sheet: Sheet) -> str:
    """The probability of each multiplier of each block; colours run from the smallest to the largest shown.

    `data-told` of the plot is the number of rewards, for the dashboard.
    """
    told = f"after {counted(figure.told, 'reward')}" if figure.told else "before any reward"
    likeliest = (
        f"{block}: {figure.choices[max(range(len(row)), key=row.__getitem__)]:g}"
        for block, row in zip(figure.block, figure.probability, strict=True)
    )
    about = f"Policy {told}. The likeliest multiplier of each block is {', '.join(likeliest)}."
    canvas = Canvas(sheet, "policy", f"Probability of each multiplier, {told}", about)
    low = min(min(row) for row in figure.probability)
    high = max(max(row) for row in figure.probability)
    top_value = max(high, low + LEAST_SPREAD)
    top = _colour_scale(canvas, low, top_value, told)
    rows = len(figure.choices)
    height = max(12.0, min(30.0, 300.0 / rows)) * rows
    every = max(1, round(rows * TEXT_PX / height + 0.2))
    labels = [(index, f"{choice:g}") for index, choice in enumerate(figure.choices) if index % every == 0]
    y = Axis("multiplier", -0.5, rows - 0.5, ticks=labels, has_grid=False)
    axis = block_axis(figure.block, [_LEVELS[block] for block in figure.block])
    plot = chart(canvas, Box(canvas.left, canvas.right, top, height), axis, y)
    left, upper, right, lower = plot.box()
    box = rectangle(left, upper, right - left, lower - upper)
    canvas.add(f'<rect {styled("heat-low")} data-told="{figure.told}" {box}/>')
    width, cell = plot.x(1) - plot.x(0), plot.y(0) - plot.y(1)
    for column, (block, probabilities) in enumerate(zip(figure.block, figure.probability, strict=True)):
        for row, (choice, probability) in enumerate(zip(figure.choices, probabilities, strict=True)):
            opacity = min(1.0, max(0.0, (probability - low) / (top_value - low)))
            where = rectangle(plot.x(column) - width / 2, plot.y(row) - cell / 2, width - 1, cell - 1)
            tip = tipped(f"block {block}, L{_LEVELS[block]} · multiplier {choice:g} · probability {probability:.3f}")
            canvas.add(f'<rect {styled("heat-high")} fill-opacity="{opacity:.3f}" {tip} {where}/>')
    return canvas.finish(plot.bottom)


def _colour_scale(canvas: Canvas, low: float, high: float, told: str) -> float:
    """The legend of the colours; returns its bottom."""
    y, x = canvas.top, canvas.left
    canvas.text("ink", x, y + TEXT_PX - 1, "probability")
    x += text_width("probability") + 8
    canvas.text("quiet", x, y + TEXT_PX - 1, f"{low:.3f}")
    x = round(x + text_width(f"{low:.3f}") + 8)  # whole px, or the steps of the scale have seams
    canvas.add(f"<rect {styled('heat-low')} {rectangle(x, y, _SCALE_WIDTH, 13)}/>")
    step = _SCALE_WIDTH / _SCALE_STEPS
    for index in range(_SCALE_STEPS):
        opacity = (index + 0.5) / _SCALE_STEPS
        box = rectangle(x + index * step, y, step, 13)
        canvas.add(f'<rect {styled("heat-high")} fill-opacity="{opacity:.3f}" shape-rendering="crispEdges" {box}/>')
    canvas.add(f"<rect {styled('frame')} {rectangle(x, y, _SCALE_WIDTH, 13)}/>")
    x += _SCALE_WIDTH + 8
    canvas.text("quiet", x, y + TEXT_PX - 1, f"{high:.3f}")
    x += text_width(f"{high:.3f}") + 18
    if x + text_width(told) > canvas.right:
        x, y = canvas.left, y + LINE + 3
    canvas.text("quiet", x, y + TEXT_PX - 1, told)
    return y + LINE + 8


def entropy(figure: Entropy, sheet: Sheet) -> str:
    """The entropy of the policy and, where there is one, the mean advantage of its rewards, one above the other.

    Raises NothingToDrawError before the first reward that the controller has learned from.
    """
    if figure.of == 0:
        raise NothingToDrawError("the controller has not learned from a reward yet")
    about = (
        f"Entropy of the policy over {figure.of:,} rewards, from {figure.entropy[0]:.2f} to {figure.entropy[-1]:.2f}."
    )
    canvas = Canvas(sheet, "entropy", "Entropy of the policy and mean advantage", about)
    advantages = [(told, value) for told, value in zip(figure.told, figure.advantage, strict=True) if value is not None]
    x = Axis("" if advantages else "rewards", 0.0, figure.of * 1.005, is_whole=True)
    box = Box(canvas.left, canvas.right, canvas.top, 140.0, _GUTTER)
    plot = chart(canvas, box, x, Axis("entropy, 1 = nothing learned", 0.0, 1.04, ticks=_UNIT))
    _line(canvas, plot, "best", "best-mark", list(zip(figure.told, figure.entropy, strict=True)), "entropy")
    if not advantages:
        return canvas.finish(plot.bottom)
    values = [value for _, value in advantages]
    low, high = padded([0.0, *values], least=0.2)
    below = Box(canvas.left, canvas.right, plot.bottom + 14, 110.0, _GUTTER)
    y = Axis("mean advantage", low, high, ticks=_ends(values, low, high))
    second = chart(canvas, below, Axis("rewards", x.low, x.high, is_whole=True), y)
    zero, (left, _, right, _) = length(second.y(0.0)), second.box()
    canvas.add(f'<path {styled("guide")} d="M{length(left)} {zero} H{length(right)}"/>')
    _line(canvas, second, "average", "average-dot", advantages, "mean advantage")
    return canvas.finish(second.bottom)


def _ends(values: Sequence[float], low: float, high: float) -> Ticks:
    """Ticks at 0 and on either side: at the most extreme value, or the end of the axis where that is too near to 0."""
    gap = _LEAST_GAP * (high - low)
    pairs = ((min(values), low), (max(values), high))
    chosen = [extreme if abs(extreme) >= gap else end for extreme, end in pairs]
    return sorted([(0.0, "0"), *((value, number(value, 2)) for value in chosen if abs(value) >= gap)])


_LEAST_GAP = 0.15
_GUTTER = text_width(f"{MINUS}0.25")
_UNIT = [(0.0, "0"), (0.25, "0.25"), (0.5, "0.5"), (0.75, "0.75"), (1.0, "1")]


def _line(canvas: Canvas, plot: Plot, role: str, mark: str, points: list[tuple[int, float]], name: str) -> None:
    canvas.add(polyline(role, ((plot.x(told), plot.y(value)) for told, value in points)))
    tips = (
        (plot.x(told), plot.y(value), tipped(f"after {told:,} rewards · {name} {value:.2f}")) for told, value in points
    )
    canvas.extend(dots(mark, tips, 1.8))
