"""Pages in Markdown, from paragraphs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

WIDTH = 120
_UNWRAPPED = ("|", "#", "!", "    ")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def section(*paragraphs: str) -> str:
    """The paragraphs as one text, without the empty ones."""
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def page(*sections: str) -> str:
    """A page of these sections, its sentences wrapped; tables, titles, figures and commands stay as they are."""
    lines = section(*sections).split("\n")
    return "\n".join(line if line.startswith(_UNWRAPPED) else _wrapped(line) for line in lines) + "\n"


def _wrapped(line: str) -> str:
    indent = "  " if line.startswith("- ") else ""
    return textwrap.fill(line, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
