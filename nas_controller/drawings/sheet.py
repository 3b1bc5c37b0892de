"""What a figure is drawn on: the sheet that is asked for, and the canvas that collects its elements."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from nas_controller.drawings.style import FONT, TEXT_PX, TITLE_PX, styled, text_width
from search_space.diagram.svg import escaped, length
from search_space.display import displayed_line
from search_space.errors import EffspineError

MIN_WIDTH, WIDTH, MAX_WIDTH = 320, 1160, 2_000
NARROW = 640
"""Below this width, what is side by side elsewhere is one below the other."""
NAME_WIDTH = 260.0
_NOT_PLAIN = re.compile("[^ !#-%'-;=?-~\N{MIDDLE DOT}]")
_MARGIN = 20.0
_HEADING = 52.0


class NothingToDrawError(EffspineError):
    """The figure does not exist, or not yet; the message says why."""


@dataclass(frozen=True)
class Heading:
    """The title of a file: what the figure is of, such as a campaign's name, and the day of its numbers."""

    subject: str
    day: date


@dataclass(frozen=True)
class Sheet:
    """`width` in px, and the heading of a file on white paper; without one it is a fragment for the dashboard."""

    width: int = WIDTH
    heading: Heading | None = None


class Canvas:
    """The elements of a figure; coordinates are px of the whole image.

    `left`, `right` and `top` bound what a drawing may use. `name` makes the ids of the texts for screen readers.
    """

    def __init__(self, sheet: Sheet, name: str, title: str, description: str) -> None:
        self._sheet, self._name, self._title, self._description = sheet, name, title, description
        self._parts: list[str] = []
        margin = 0.0 if sheet.heading is None else _MARGIN
        self.left, self.right = margin, sheet.width - margin
        self.top = 0.0 if sheet.heading is None else _MARGIN + _HEADING

    @property
    def width(self) -> float:
        """The usable width."""
        return self.right - self.left

    @property
    def is_narrow(self) -> bool:
        """Whether it is as narrow as a phone."""
        return self.width < NARROW

    def add(self, *elements: str) -> None:
        """Adds elements on top of the others."""
        self._parts += elements

    def extend(self, elements: Iterable[str]) -> None:
        """Adds elements on top of the others."""
        self._parts.extend(elements)

    def text(self, role: str, x: float, y: float, content: str, anchor: str = "start") -> None:
        """Adds a text; `y` is its base line."""
        where = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self.add(f'<text {styled(role)} x="{length(x)}" y="{length(y)}"{where}>{escaped(content)}</text>')

    def finish(self, bottom: float) -> str:
        """The SVG document, whose elements end at `bottom`."""
        heading = self._sheet.heading
        width, height = self._sheet.width, bottom if heading is None else bottom + _MARGIN
        ids = f"{self._name}-title", f"{self._name}-about"
        about = (
            f'<title id="{ids[0]}">{escaped(self._accessible_title())}</title>',
            f'<desc id="{ids[1]}">{escaped(self._description)}</desc>',
        )
        # Within `defs` they are names for screen readers, but no tooltip that hides those of the marks.
        before = ["<defs>", *about, "</defs>"] if heading is None else [*about, *self._paper(width, height, heading)]
        font = "" if heading is None else f' font-family="{FONT}"'
        size = f'viewBox="0 0 {width} {length(height)}" width="{width}" height="{length(height)}"'
        opening = (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="{ids[0]}" '
            f'aria-describedby="{ids[1]}"{font}>'
        )
        return "\n".join([opening, *before, *self._parts, "</svg>", ""])

    def _accessible_title(self) -> str:
        heading = self._sheet.heading
        return self._title if heading is None else f"{self._title}: {displayed_line(heading.subject)}"

    def _paper(self, width: float, height: float, heading: Heading) -> Iterable[str]:
        day = f"{heading.day.day} {heading.day:%B %Y}"
        subject = _shortened(displayed_line(heading.subject), self.width - text_width(f" · {day}"))
        title = _shortened(self._title, self.width, TITLE_PX)
        x, y = length(self.left), _MARGIN + TITLE_PX
        yield f'<rect {styled("paper")} width="{length(width)}" height="{length(height)}"/>'
        yield f'<text {styled("title")} x="{x}" y="{length(y)}">{escaped(title)}</text>'
        yield f'<text {styled("quiet")} x="{x}" y="{length(y + 19)}">{escaped(f"{subject} · {day}")}</text>'


def _shortened(text: str, width: float, size: float = TEXT_PX) -> str:
    if text_width(text, size) <= width:
        return text
    while len(text) > 1 and text_width(f"{text}…", size) > width:
        text = text[:-1]
    return f"{text}…"


def shortened(text: str, width: float) -> str:
    """A text of a user, such as a name, that fits into `width` px, but at most NAME_WIDTH."""
    return _shortened(displayed_line(text), min(width, NAME_WIDTH))


def tipped(tip: str, trial: int | None = None) -> str:
    """The attributes of a mark that shows a tip on the page, and belongs to a trial."""
    number = "" if trial is None else f' data-trial="{trial}"'
    return f'data-tip="{attribute(tip)}"{number}'


def attribute(text: str) -> str:
    """A text as the value of an attribute."""
    if _NOT_PLAIN.search(text) is None:  # thousands of tips are plain
        return text
    return escaped(text).replace('"', "&quot;")
