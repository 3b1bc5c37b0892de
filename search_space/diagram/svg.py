"""SVG elements of a block diagram: texts, rectangles and their attributes."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

from search_space.diagram.style import NOTE_SIZE, ROLES, Tone


def escaped(text: str) -> str:
    """A text for XML: markup escaped, characters that XML does not allow replaced."""
    return escape(re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text))


def styled(role: str) -> str:
    """The attributes of an element with this role."""
    return f'class="{role}" {ROLES[role].paper}'


def filled(tone: Tone, outline: str) -> str:
    """The attributes of an element with the colour of a tone and an outline."""
    return f'class="{tone.name} {outline}" fill="{tone.fill}" {ROLES[outline].paper}'


def corner_radius(width: float) -> float:
    """The corner radius of a block."""
    return min(4.0, width / 4)


def text(role: str, x: float, y: float, content: str, anchor: str = "start") -> str:
    """A text element."""
    where = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text {styled(role)} x="{length(x)}" y="{length(y)}"{where}>{escaped(content)}</text>'


def text_on(tone: Tone, x: float, y: float, content: str) -> str:
    """A note on a block of this tone."""
    return (
        f'<text class="on-{tone.name}" fill="{tone.ink}" font-size="{NOTE_SIZE:g}" x="{length(x)}" y="{length(y)}" '
        f'text-anchor="middle">{escaped(content)}</text>'
    )


def rectangle(x: float, y: float, width: float, height: float) -> str:
    """Position and size of a rectangle as attributes."""
    return f'x="{length(x)}" y="{length(y)}" width="{length(width)}" height="{length(height)}"'


def length(value: float) -> str:
    """A length in px, to a hundredth."""
    return f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")
