"""The frame of a plot: axes with their ticks and titles, and the legend above."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from nas_controller.drawings.scales import Scale, Ticks, even_ticks, log_ticks
from nas_controller.drawings.sheet import Canvas
from nas_controller.drawings.style import ROLES, TEXT_PX, styled, text_width
from search_space.diagram.svg import length, rectangle

LINE = 17.0
"""Height of a line of text."""
_KEY = 18.0
_KEY_GAP = 6.0
_ENTRY_GAP = 18.0
_TICK_GAP = 7.0

Kind = Literal["line", "dot", "bar", "diamond", "cross", "ring"]


class Entry(NamedTuple):
    """An entry of a legend."""

    kind: Kind
    role: str
    label: str


@dataclass(frozen=True)
class Axis:
    """An axis from `low` to `high`. `ticks` None gives round values; a label may have several lines."""

    title: str
    low: float
    high: float
    is_whole: bool = False
    is_log: bool = False
    ticks: Ticks | None = None
    has_grid: bool = True

    def chosen(self, count: int) -> Ticks:
        """The ticks, about `count` of them."""
        if self.ticks is not None:
            return self.ticks
        if self.is_log:
            return log_ticks(self.low, self.high, count)
        return even_ticks(self.low, self.high, count, whole=self.is_whole)


@dataclass(frozen=True)
class Box:
    """Where a chart goes: its horizontal extent, its top, and the height of the plot itself.

    `gutter` is the least width of the labels on the left, so that charts one below the other are aligned.
    """

    left: float
    right: float
    top: float
    height: float
    gutter: float = 0.0


@dataclass(frozen=True)
class Plot:
    """A framed plot: its scales and the `bottom` of all that belongs to it."""

    x: Scale
    y: Scale
    bottom: float = field(default=0.0)

    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the area of the marks."""
        return self.x.start, self.y.end, self.x.end, self.y.start


def chart(canvas: Canvas, box: Box, x: Axis, y: Axis, note: str = "") -> Plot:
    """Draws the frame of a plot; `note` is at its lower right, beside the title of the x axis."""
    top = box.top + (LINE + 4 if y.title else 6.0)
    bottom = top + box.height
    rows = y.chosen(max(2, round(box.height / 52)))
    left = box.left + max([box.gutter, *(text_width(label) for _, label in rows)]) + _TICK_GAP
    plot = Plot(Scale(x.low, x.high, left, box.right - 2, x.is_log), Scale(y.low, y.high, bottom, top, y.is_log))
    if y.title:
        canvas.text("quiet", box.left, box.top + TEXT_PX - 2, y.title)
    for value, label in rows:
        at = plot.y(value)
        if y.has_grid:
            canvas.add(f'<path {styled("grid")} d="M{length(left)} {length(at)} H{length(plot.x.end)}"/>')
        canvas.text("quiet", left - _TICK_GAP, at + 4, label, "end")
    canvas.add(f'<path {styled("axis")} d="M{length(left)} {length(bottom)} H{length(plot.x.end)}"/>')
    lines = _x_labels(canvas, plot, x.chosen(max(2, int((plot.x.end - left) / 70))), bottom)
    at = bottom + 6 + LINE * lines
    middle = (left + plot.x.end) / 2
    if note and text_width(note) + text_width(x.title) / 2 + 12 > plot.x.end - middle:
        canvas.text("quiet", left, at + TEXT_PX, x.title)  # on the left, so that the note has room
        if text_width(note) + text_width(x.title) + 12 > plot.x.end - left:
            at += LINE
    elif x.title:
        canvas.text("quiet", middle, at + TEXT_PX, x.title, "middle")
    if note:
        canvas.text("quiet", plot.x.end, at + TEXT_PX, note, "end")
    return Plot(plot.x, plot.y, at + (LINE if x.title or note else 0.0))


def _x_labels(canvas: Canvas, plot: Plot, ticks: Ticks, bottom: float) -> int:
    """Draws the labels of the x axis, every n-th where not all have room; the number of their lines."""
    widest = max((text_width(part) for _, label in ticks for part in label.split("\n")), default=0.0)
    pitch = plot.x(ticks[1][0]) - plot.x(ticks[0][0]) if len(ticks) > 1 else widest
    for value, label in ticks[:: max(1, math.ceil((widest + 2) / max(pitch, 1.0)))]:
        for line, part in enumerate(label.split("\n")):
            half = text_width(part) / 2
            at = min(max(plot.x(value), half), canvas.right - half)
            canvas.text("quiet", at, bottom + 6 + TEXT_PX + LINE * line, part, "middle")
    return max((label.count("\n") + 1 for _, label in ticks), default=0)


def block_axis(blocks: Sequence[int], levels: Sequence[int]) -> Axis:
    """The axis of blocks: block `blocks[i]` is at i, with its level below its number."""
    ticks = [(index, f"{block}\nL{level}") for index, (block, level) in enumerate(zip(blocks, levels, strict=True))]
    return Axis("block and level", -0.5, len(blocks) - 0.5, ticks=ticks)


def legend(canvas: Canvas, left: float, right: float, top: float, entries: Iterable[Entry]) -> float:
    """Draws a legend in as many lines as it needs; returns its bottom."""
    x, y = left, top
    for entry in entries:
        width = _KEY + _KEY_GAP + text_width(entry.label)
        if x > left and x + width > right:
            x, y = left, y + LINE
        canvas.add(_key(entry, x, y + TEXT_PX / 2 + 1))
        canvas.text("ink", x + _KEY + _KEY_GAP, y + TEXT_PX - 1, entry.label)
        x += width + _ENTRY_GAP
    return y + LINE + 5


def _key(entry: Entry, x: float, y: float) -> str:
    style, middle = styled(entry.role), x + _KEY / 2
    if entry.kind == "line":
        return f'<path {style} d="M{length(x)} {length(y)} h{length(_KEY)}"/>'
    if entry.kind == "bar":
        return f"<rect {style} {rectangle(x + 3, y - 6, 12, 12)}/>"
    if entry.kind == "diamond":
        return diamond(entry.role, middle, y)
    if entry.kind == "cross":
        return cross(entry.role, middle, y)
    return f'<circle {style} cx="{length(middle)}" cy="{length(y)}" r="4"/>'


def diamond(role: str, x: float, y: float, more: str = "") -> str:
    """A diamond of 12 px around (x, y)."""
    return f'<path {styled(role)} {more} d="M{length(x)} {length(y - 6)} l6 6 l-6 6 l-6 -6 Z"/>'


def cross(role: str, x: float, y: float, more: str = "") -> str:
    """A cross of 6 px around (x, y)."""
    return f'<path {styled(role)} {more} d="M{length(x - 3)} {length(y - 3)} l6 6 m0 -6 l-6 6"/>'


def dots(role: str, marks: Iterable[tuple[float, float, str]], radius: float) -> Iterable[str]:
    """Circles at (x, y), each with further attributes. Thousands of them take milliseconds."""
    opening = f'<circle class="f-{role}" {ROLES[role]} r="{length(radius)}"'
    for x, y, more in marks:
        yield f'{opening} cx="{x:.1f}" cy="{y:.1f}" {more}/>'


def polyline(role: str, points: Iterable[tuple[float, float]], more: str = "") -> str:
    """A line through points."""
    return f'<polyline {styled(role)} {more} points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'


def steps(role: str, points: Sequence[tuple[float, float]], end: float) -> str:
    """A line that keeps each height up to the next point, and the last one up to `end`."""
    (x, y), *rest = points
    path = [f"M{x:.1f} {y:.1f}", *(f"H{x:.1f} V{y:.1f}" for x, y in rest), f"H{end:.1f}"]
    return f'<path {styled(role)} d="{" ".join(path)}"/>'
