"""The lower part of a block diagram: each block's share of the multi-adds as bars and numbers, and the legend."""

from __future__ import annotations

from collections.abc import Iterator

from search_space.diagram.layout import FULL_SHARE, LARGEST, PITCH, SMALLEST, Layout, block_size, column_x
from search_space.diagram.style import MINUS, PLAIN, TIMES, TONES, tone_of
from search_space.diagram.svg import corner_radius, filled, length, rectangle, styled, text
from search_space.topology import BLOCKS

WIDTH = column_x(len(BLOCKS) + 1) + 30.0
MARGIN = 10.0
TITLE = 34.0
BARS = 78.0
BAR = 13.0
TABLE_ROW = 17.0
KEY = 38.0
KEY_TEXT = 168.0
KEY_X = WIDTH - MARGIN - KEY_TEXT - KEY * len(TONES)

LEGEND_TEXT = (
    f"Above a block: its output channels. In or below it: its number, {TIMES} how often it repeats. "
    "Thick outline: an output of the backbone. Dashed: added to the output of its level, since no block takes it."
)


def heading(top: float, letter: str, name: str, facts: str) -> Iterator[str]:
    """The title of a part of the diagram on the left, and facts about it on the right."""
    yield text("title", MARGIN, top + 17, f"({letter}) {name}" if letter else name)
    yield text("facts", WIDTH - MARGIN, top + 17, facts, "end")


def share_bars(figure: Layout, top: float) -> Iterator[str]:
    """Each block's share as a bar, next to the baseline's, with the numbers below."""
    rests = [1 - sum(shape.share for shape in panel.shapes) for panel in figure.panels]
    several = len(figure.panels) > 1
    about = "left (a), right (b); " if several else ""
    about += f"stem and detection head: {', '.join(f'{100 * rest:.1f} %' for rest in rests)}"
    yield from heading(top, "c" if several else "", "Share of the multi-adds by block", about)
    base_y = top + TITLE + BARS
    step = _step(figure.largest_share)
    full = step * 2
    left, right = column_x(0) + PITCH / 2, column_x(len(BLOCKS)) + PITCH / 2
    for tick in range(3):
        y = base_y - BARS * tick / 2
        yield f'<path {styled("grid" if tick else "axis")} d="M{length(left)} {length(y)} H{length(right)}"/>'
        yield text("text", left - 6, y + 4, f"{100 * step * tick:g} %", "end")
    for place, panel in enumerate(figure.panels):
        for shape in panel.shapes:
            x = shape.x - BAR * len(figure.panels) / 2 + BAR * place
            height = BARS * shape.share / full
            yield f"<rect {filled(tone_of(shape.change), 'outline')} {rectangle(x, base_y - height, BAR, height)}/>"
    shares = [f"{100 * shape.share:.1f}" for shape in figure.panels[0].shapes]
    rows = [
        ("block", "note", [str(block.number) for block in BLOCKS]),
        ("share in (a), %" if several else "share, %", "figure", shares),
    ]
    if several:
        changes = [signed_points(shape.change or 0.0, 1) for shape in figure.panels[0].shapes]
        rows.append(("change, points", "figure", changes))
    for line, (name, role, cells) in enumerate(rows):
        y = base_y + TABLE_ROW * (line + 1) - 2
        yield text("text", left - 6, y, name, "end")
        for block, cell in zip(BLOCKS, cells, strict=True):
            yield text(role, column_x(block.number), y, cell, "middle")


def _step(largest: float) -> float:
    """The share at half the height of the bars, a round number."""
    return next(step for step in (0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5) if 2 * step >= largest)


def legend(figure: Layout, top: float) -> Iterator[str]:
    """The legend: the meaning of area, colour, numbers and lines."""
    middle = top + LARGEST[1] / 2
    smallest = SMALLEST[0] * SMALLEST[1] / figure.px_per_share
    yield text("figure", MARGIN, middle - 3, "Area: share of the multi-adds")
    yield text("text", MARGIN, middle + 11, f"smallest: {100 * smallest:.1f} % and less")
    x = MARGIN + KEY_TEXT
    for share in _keys(figure.largest_share):
        width, height = block_size(share, figure.px_per_share)
        box = rectangle(x, middle - height / 2, width, height)
        yield f'<rect {filled(PLAIN, "outline")} {box} rx="{length(corner_radius(width))}"/>'
        yield text("text", x + width + 5, middle + 4, f"{100 * share:g} %")
        x += width + 48
    if len(figure.panels) > 1:
        yield text("figure", KEY_X, middle - 3, "Colour: change of that share")
        yield text("text", KEY_X, middle + 11, "against (b), in points")
        x = KEY_X + KEY_TEXT
        for tone in TONES:
            yield f"<rect {filled(tone, 'outline')} {rectangle(x, middle - 13, KEY, 14)}/>"
            if tone.least > float("-inf"):
                yield text("text", x, middle + 14, signed_points(tone.least).rstrip("0").rstrip("."), "middle")
            x += KEY
    y = top + LARGEST[1] + 20
    yield text("text", MARGIN, y, LEGEND_TEXT)


def _keys(largest: float) -> list[float]:
    """Three round shares for the scale of areas."""
    return [share for share in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0) if share <= max(FULL_SHARE, largest)][-3:]


def signed_points(share: float, digits: int = 2) -> str:
    """A difference of shares in percentage points, with its sign unless it rounds to zero."""
    points = round(100 * share, digits)
    return f"{points:+.{digits}f}".replace("-", MINUS) if points else f"{0:.{digits}f}"
