"""The style of a block diagram on white paper and on a dark page: colours, lines and fonts.

The style for paper is in attributes, which every SVG program supports. On a page, a style sheet has the differences for
readers who prefer dark pages; a file has none, since nobody knows what it will be opened on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Style = Literal["paper", "page"]
"""`paper` is for files: white, in one set of colours. `page` is for a page with a light and a dark theme."""

PAPER = "#ffffff"

LABEL_SIZE = 12.5
NOTE_SIZE = 10.5
FIGURE_SIZE = 11.0

TIMES, MINUS = "\N{MULTIPLICATION SIGN}", "\N{MINUS SIGN}"

FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"

_INK, _QUIET, _LINE = "#1a1f27", "#566070", "#76859a"
_DARK_INK, _DARK_QUIET, _DARK_LINE = "#e7eaef", "#a3aebd", "#7f8c9f"


@dataclass(frozen=True)
class Role:
    """The style of one kind of element: attributes for paper, and style rules for dark pages."""

    paper: str
    dark: str = ""


@dataclass(frozen=True)
class Tone:
    """The colour of blocks whose share changed by `least` or more, up to the next tone; `ink` is for text on it."""

    name: str
    least: float
    fill: str
    ink: str
    dark_fill: str
    dark_ink: str


# Orange to blue, which is distinguishable with the common forms of colour blindness. In greyscale both ends are dark;
# the signs of the numbers below the bars distinguish them.
TONES = (
    Tone("less-3", float("-inf"), "#b35806", "#ffffff", "#f59a4a", "#12151a"),
    Tone("less-2", -0.02, "#f1a340", _INK, "#b06a1e", "#ffffff"),
    Tone("less-1", -0.01, "#fddcae", _INK, "#63452a", "#f3e6d6"),
    Tone("same", -0.0025, "#f1f3f6", _INK, "#3a424e", _DARK_INK),
    Tone("more-1", 0.0025, "#cfe3f2", _INK, "#274765", "#e3eef9"),
    Tone("more-2", 0.01, "#7db3dc", _INK, "#3a7cc0", "#ffffff"),
    Tone("more-3", 0.02, "#2166ac", "#ffffff", "#8cc2f7", "#12151a"),
)

PLAIN = Tone("plain", 0.0, "#d5dbe3", _INK, "#4b5563", _DARK_INK)
"""The colour of blocks without a comparison, such as the baseline's."""

ROLES = {
    "band": Role('fill="#7f8ea3" fill-opacity="0.1"'),
    "edge": Role(f'fill="none" stroke="{_LINE}" stroke-width="1.3"', f"stroke: {_DARK_LINE}"),
    "output": Role(f'fill="none" stroke="{_INK}" stroke-width="1.3"', f"stroke: {_DARK_INK}"),
    "head": Role(f'fill="{_LINE}"', f"fill: {_DARK_LINE}"),
    "output-head": Role(f'fill="{_INK}"', f"fill: {_DARK_INK}"),
    "outline": Role('stroke="#5a6575" stroke-width="0.8"', "stroke: #8d99a9"),
    "endpoint": Role(f'stroke="{_INK}" stroke-width="1.9"', f"stroke: {_DARK_INK}"),
    "stem": Role('fill="none" stroke="#5a6575"', "stroke: #8d99a9"),
    "caption": Role(f'fill="{_INK}" font-size="17" font-weight="bold"', f"fill: {_DARK_INK}"),
    "title": Role(f'fill="{_INK}" font-size="15" font-weight="bold"', f"fill: {_DARK_INK}"),
    "facts": Role(f'fill="{_QUIET}" font-size="12.5"', f"fill: {_DARK_QUIET}"),
    "label": Role(f'fill="{_INK}" font-size="{LABEL_SIZE:g}" font-weight="bold"', f"fill: {_DARK_INK}"),
    "note": Role(f'fill="{_QUIET}" font-size="{NOTE_SIZE:g}"', f"fill: {_DARK_QUIET}"),
    "text": Role(f'fill="{_QUIET}" font-size="{FIGURE_SIZE:g}"', f"fill: {_DARK_QUIET}"),
    "figure": Role(f'fill="{_INK}" font-size="{FIGURE_SIZE:g}"', f"fill: {_DARK_INK}"),
    "axis": Role('stroke="#5a6575"', "stroke: #8d99a9"),
    "grid": Role('stroke="#7f8ea3" stroke-opacity="0.35" stroke-width="0.8"'),
}


def tone_of(change: float | None) -> Tone:
    """The colour for the change of a block's share; None means without a comparison."""
    if change is None:
        return PLAIN
    return [tone for tone in TONES if change >= tone.least][-1]


def dark_style() -> str:
    """The style sheet for readers who prefer dark pages; its rules override attributes."""
    rules = [f".{name} {{ {role.dark} }}" for name, role in ROLES.items() if role.dark]
    for tone in (*TONES, PLAIN):
        rules += [f".{tone.name} {{ fill: {tone.dark_fill} }}", f".on-{tone.name} {{ fill: {tone.dark_ink} }}"]
    return "@media (prefers-color-scheme: dark) {\n" + "\n".join(rules) + "\n}"
