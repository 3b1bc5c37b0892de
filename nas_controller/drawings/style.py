"""The style of the figures: for each role of an element its attributes on white paper.

The attributes suit every SVG program. An element has its role as class too, with the prefix `f-`, by which
`api/dashboard/static/drawings.css` colours it on a page, in light and dark. Blue against orange and grey, and dashes
where there are more series, remain distinguishable with the common forms of colour blindness.
"""

from __future__ import annotations

from search_space.diagram.style import FONT, MINUS, TIMES

__all__ = ["FONT", "MINUS", "ROLES", "SERIES", "TEXT_PX", "TIMES", "TITLE_PX", "styled", "text_width"]

TEXT_PX = 12.0
TITLE_PX = 15.0
_DIGIT, _LETTER, _NARROW, _WIDE = 0.64, 0.61, 0.38, 0.95
"""Widths of characters over the font size, in the wider ones of the common sans-serif fonts."""
_NARROW_LETTERS, _WIDE_LETTERS = frozenset("fijlrtI .,:;|'()/-"), frozenset("mwMW%@+")

_INK, _QUIET, _ACCENT, _POINT, _WARM, _GREY = "#1a1f27", "#566070", "#1f5fbf", "#7fa6dd", "#b35806", "#b3bbc7"
_SERIES = ((_ACCENT, ""), (_WARM, "7 3"), (_INK, "2 3"), ("#7fa6dd", ""), ("#d99a4e", "9 3 2 3"))
SERIES = len(_SERIES)
"""The number of series that a comparison can tell apart."""

ROLES: dict[str, str] = {
    "paper": 'fill="#ffffff"',
    "title": f'fill="{_INK}" font-size="{TITLE_PX:g}" font-weight="bold"',
    "ink": f'fill="{_INK}" font-size="{TEXT_PX:g}"',
    "quiet": f'fill="{_QUIET}" font-size="{TEXT_PX:g}"',
    "grid": 'fill="none" stroke="#7f8ea3" stroke-opacity="0.3" stroke-width="0.8"',
    "axis": 'fill="none" stroke="#8a95a5" stroke-width="1"',
    "guide": f'fill="none" stroke="{_QUIET}" stroke-width="1" stroke-dasharray="2 3"',
    "point": f'fill="{_POINT}" fill-opacity="0.85"',
    "repeat": f'fill="none" stroke="{_POINT}" stroke-width="1"',
    "zero": f'fill="none" stroke="{_QUIET}" stroke-width="1.2"',
    "best": f'fill="none" stroke="{_ACCENT}" stroke-width="2"',
    "average": f'fill="none" stroke="{_WARM}" stroke-width="1.6"',
    "average-dot": f'fill="{_WARM}"',
    "baseline": f'fill="none" stroke="{_QUIET}" stroke-width="1.5" stroke-dasharray="6 4"',
    "baseline-mark": f'fill="#8c95a3" stroke="{_INK}" stroke-width="1"',
    "best-mark": f'fill="{_ACCENT}"',
    "interval": f'fill="none" stroke="{_ACCENT}" stroke-width="2"',
    "unsure": f'fill="none" stroke="{_GREY}" stroke-width="2"',
    "unsure-mark": f'fill="{_GREY}"',
    "bar-baseline": f'fill="{_GREY}"',
    "bar-best": f'fill="{_ACCENT}"',
    "heat-low": 'fill="#f1f4f9"',
    "heat-high": f'fill="{_ACCENT}"',
    "frame": 'fill="none" stroke="#8a95a5" stroke-width="0.8"',
    "strand": f'fill="none" stroke="{_ACCENT}"',
    "strand-best": f'fill="none" stroke="{_WARM}" stroke-width="2.2"',
    "other": f'fill="none" stroke="{_POINT}" stroke-width="1.2"',
    "other-mark": f'fill="{_POINT}"',
    "grey": 'fill="none" stroke="#8c95a3" stroke-width="1.6"',
    "grey-mark": 'fill="#8c95a3"',
}
for _number, (_colour, _dashes) in enumerate(_SERIES, start=1):
    _dash = f' stroke-dasharray="{_dashes}"' if _dashes else ""
    ROLES[f"series-{_number}"] = f'fill="none" stroke="{_colour}" stroke-width="2"{_dash}'
    ROLES[f"series-mark-{_number}"] = f'fill="{_colour}"'


def styled(role: str) -> str:
    """Class and attributes of an element with this role."""
    return f'class="f-{role}" {ROLES[role]}'


def text_width(text: str, size: float = TEXT_PX) -> float:
    """The width of a text in px, about; on the large side."""
    return size * sum(map(_character_width, text))


def _character_width(character: str) -> float:
    if character.isdigit():
        return _DIGIT
    if character in _NARROW_LETTERS:
        return _NARROW
    return _WIDE if character in _WIDE_LETTERS else _LETTER
