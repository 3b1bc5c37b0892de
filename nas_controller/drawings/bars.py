"""Channels and shares of the multi-adds by block and level as bars side by side, as in Figure 3 of the paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from nas_controller.campaigns.figure_data import Widths
from nas_controller.campaigns.resource_shares import LevelShare, Shares
from nas_controller.drawings.chart import Axis, Box, Entry, Plot, block_axis, chart, legend
from nas_controller.drawings.sheet import Canvas, NothingToDrawError, Sheet, shortened, tipped
from nas_controller.drawings.style import ROLES
from search_space.diagram.shares import signed_points
from search_space.diagram.svg import rectangle
from search_space.topology import BLOCKS

_FILL = 0.78
"""The part of the room of a block that its bars take."""
_LEVELS = {block.number: block.level for block in BLOCKS}
_NO_BEST = "there is no best architecture yet"
_BEST = "best"


class Series(NamedTuple):
    """One architecture of a comparison: its name, the role of its bars, and a value for each block."""

    name: str
    role: str
    values: Sequence[float]


def widths(figure: Widths, sheet: Sheet, best: str = _BEST) -> str:
    """Channels of each block, best against baseline; `best` is what the legend calls it.

    Raises NothingToDrawError before the first reward.
    """
    if figure.best is None or figure.baseline is None:
        raise NothingToDrawError(_NO_BEST)
    return widths_of(_pair(figure.baseline, figure.best, f"{best}, trial {figure.best_number}"), sheet, "widths")


def widths_of(series: Sequence[Series], sheet: Sheet, name: str = "compare-widths") -> str:
    """Channels of the 18 blocks of several architectures."""
    canvas = Canvas(sheet, name, "Channels of each block", _about("Channels of blocks 1 to 18", series, "{:,.0f}"))
    top = _legend(canvas, series)
    box = Box(canvas.left, canvas.right, top, 200.0 if canvas.is_narrow else 230.0)
    plot = _by_block(canvas, box, series, "channels", lambda value: f"{value:,.0f} channels")
    return canvas.finish(plot.bottom)


def shares(figure: Shares, sheet: Sheet, best: str = _BEST) -> str:
    """Shares of the multi-adds, best against baseline, with the difference of each level in points.

    `best` is what the legend calls it. Raises NothingToDrawError before the first reward.
    """
    if figure.best is None or figure.baseline is None:
        raise NothingToDrawError(_NO_BEST)
    pair = _pair(figure.baseline, figure.best, f"{best}, trial {figure.best_number}")
    return _shares(pair, sheet, "shares", figure.levels)


def shares_of(series: Sequence[Series], sheet: Sheet) -> str:
    """Shares of the multi-adds of the 18 blocks and their levels, of several architectures; values are 0 to 1."""
    return _shares(series, sheet, "compare-shares", ())


def _shares(series: Sequence[Series], sheet: Sheet, name: str, levels: Sequence[LevelShare]) -> str:
    about = _about("Shares of the multi-adds of blocks 1 to 18 in percent", series, "{:.1f}", 100)
    about += "".join(f" L{each.level}: {signed_points(each.points / 100, 1)} points." for each in levels)
    canvas = Canvas(sheet, name, "Share of the multi-adds by block and by level", about)
    top = _legend(canvas, series)
    percent = [each._replace(values=[100 * value for value in each.values]) for each in series]
    height = 190.0 if canvas.is_narrow else 230.0
    if canvas.is_narrow:
        boxes = Box(canvas.left, canvas.right, top, height), Box(canvas.left, canvas.right, 0, height)
    else:
        cut = canvas.left + 0.66 * canvas.width
        boxes = Box(canvas.left, cut - 16, top, height), Box(cut + 16, canvas.right, top, height)
    plot = _by_block(canvas, boxes[0], percent, "% of the multi-adds", lambda value: f"{value:.1f} %")
    second = boxes[1] if not canvas.is_narrow else Box(canvas.left, canvas.right, plot.bottom + 18, height)
    by_level = _by_level(canvas, second, percent, levels)
    return canvas.finish(max(plot.bottom, by_level.bottom))


def _pair(baseline: Sequence[float], best: Sequence[float], name: str) -> list[Series]:
    return [Series("baseline", "bar-baseline", baseline), Series(name, "bar-best", best)]


def _legend(canvas: Canvas, series: Sequence[Series]) -> float:
    entries = [Entry("bar", each.role, shortened(each.name, canvas.width - 60)) for each in series]
    return legend(canvas, canvas.left, canvas.right, canvas.top, entries)


def _by_block(canvas: Canvas, box: Box, series: Sequence[Series], title: str, shown: Callable[[float], str]) -> Plot:
    numbers = list(_LEVELS)
    names = [f"block {block}, L{level}" for block, level in _LEVELS.items()]
    top = max((max(each.values) for each in series), default=1.0)
    plot = chart(canvas, box, block_axis(numbers, list(_LEVELS.values())), Axis(title, 0.0, 1.05 * top))
    _bars(canvas, plot, series, names, shown)
    return plot


def _by_level(canvas: Canvas, box: Box, series: Sequence[Series], levels: Sequence[LevelShare]) -> Plot:
    found = sorted(set(_LEVELS.values()))
    sums = [
        each._replace(
            values=[
                sum(value for level, value in zip(_LEVELS.values(), each.values, strict=True) if level == wanted)
                for wanted in found
            ]
        )
        for each in series
    ]
    top = max(max(each.values) for each in sums)
    ticks = [(index, f"L{level}") for index, level in enumerate(found)]
    title = "% of the multi-adds, difference in points" if levels else "% of the multi-adds"
    plot = chart(canvas, box, Axis("level", -0.5, len(found) - 0.5, ticks=ticks), Axis(title, 0.0, 1.12 * top))
    _bars(canvas, plot, sums, [f"L{level}" for level in found], lambda value: f"{value:.1f} %")
    for index, level in enumerate(levels):
        highest = max(each.values[index] for each in sums)
        canvas.text("ink", plot.x(index), plot.y(highest) - 5, signed_points(level.points / 100, 1), "middle")
    return plot


def _bars(
    canvas: Canvas, plot: Plot, series: Sequence[Series], names: Sequence[str], shown: Callable[[float], str]
) -> None:
    room = plot.x(1) - plot.x(0)
    width = _FILL * room / len(series)
    for index, name in enumerate(names):
        left = plot.x(index) - width * len(series) / 2
        tip = f"{name} · " + " · ".join(f"{each.name} {shown(each.values[index])}" for each in series)
        more = tipped(tip)
        for place, each in enumerate(series):
            height = plot.y.start - plot.y(each.values[index])
            box = rectangle(left + width * place, plot.y.start - height, max(1.0, width - 1), height)
            canvas.add(f'<rect class="f-{each.role}" {ROLES[each.role]} {more} {box}/>')


def _about(what: str, series: Sequence[Series], form: str, factor: float = 1) -> str:
    sentences = (f"{each.name}: {', '.join(form.format(factor * value) for value in each.values)}" for each in series)
    return f"{what}. {'. '.join(sentences)}."
