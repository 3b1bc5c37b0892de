"""Where the picture of a long page is cut: between its cards, or else between the rows of a long one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

Span = tuple[float, float]
"""Top and bottom of an element, in px from the top of the page."""

MAX_HEIGHT_PX = 1_900
"""Of a picture."""
_LONGER = 1.15
"""The last part may be longer by this factor, rather than leave a strip."""
_SHORTEST = 0.5
"""A part is at least this fraction of the greatest height, if it can be."""
_MARGIN_PX = 8
"""Below an element: half of the gap to the next."""

LAYOUT = """() => {
  const spans = (selector) => [...document.querySelectorAll(selector)].map((element) => element.getBoundingClientRect())
    .filter(({ height }) => height).map(({ top, bottom }) => [top + scrollY, bottom + scrollY]);
  return {
    height: document.documentElement.scrollHeight,
    cards: spans("main .card, main .headline, main .banner, main figure"),
    rows: spans("main tr, main li, main p, main pre, main label, main img, main figure, main .opblock"),
  };
}"""
"""The layout of a page, in the browser."""


class Layout(NamedTuple):
    """The height of a page, its cards, and the rows that they consist of."""

    height: int
    cards: Sequence[Span]
    rows: Sequence[Span]


def parts(layout: Layout, most: int, limit: int = MAX_HEIGHT_PX) -> list[tuple[int, int]]:
    """Top and bottom of each picture, in px: at most `most`, from the top of the page on."""
    found: list[tuple[int, int]] = []
    top = 0
    while top < layout.height and len(found) < most:
        is_last = layout.height - top <= limit * (_LONGER if top else 1)
        bottom = layout.height if is_last else _cut(layout, top, limit)
        found.append((top, bottom))
        top = bottom
    return found


def _cut(layout: Layout, top: int, limit: int) -> int:
    for spans in (layout.cards, layout.rows):
        ends = [round(end) + _MARGIN_PX for _, end in spans]
        between = [end for end in ends if not any(first < end < last for first, last in spans)]
        if usable := [end for end in between if limit * _SHORTEST < end - top <= limit]:
            return max(usable)
    return top + limit
