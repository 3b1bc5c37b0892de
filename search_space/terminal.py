"""Output of all commands: JSON documents and lines of text, whatever they quote and whatever the encoding.

Names, errors and logs may come from data sets, users and other services, so every text passes `search_space.display`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from search_space.display import displayed, displayed_line, json_text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

WIDTH_OF_A_FILE = 160
BLOCK_CHARACTERS = "▁▂▃▄▅▆▇█"
ASCII_CHARACTERS = "_.-:=+*#"


def print_json(document: Any) -> None:
    """Prints `document` as the one JSON document on standard output."""
    sys.stdout.write(json_text(document, sys.stdout.encoding) + "\n")


def print_text(text: str) -> None:
    """Prints text, a line or several, on standard output."""
    print(displayed(text), flush=True)


def note(text: str) -> None:
    """Prints text on standard error, so that standard output contains only the result."""
    print(displayed(text), file=sys.stderr, flush=True)


def has_width() -> bool:
    """Whether standard output has a width: that of a terminal, or COLUMNS."""
    return sys.stdout.isatty() or bool(os.environ.get("COLUMNS"))


def console(width: int | None = None) -> Console:
    """A console on standard output: coloured on a terminal; plain in a file or a pipe, and there as wide as COLUMNS
    says, or 160, or `width` if that is given.
    """
    from rich.console import Console

    return Console(highlight=False, width=None if has_width() else width or WIDTH_OF_A_FILE)


def cell_text(text: str, style: str = "") -> Text:
    """A text as one line of a table or a live view."""
    from rich.text import Text

    return Text(displayed_line(text), style=style)


def spark_line(values: Sequence[float]) -> str:
    """One character for each value, its height proportional to the value: a block where standard output has blocks."""
    characters = BLOCK_CHARACTERS if can_print(BLOCK_CHARACTERS) else ASCII_CHARACTERS
    largest = max(values, default=0.0) or 1.0
    return "".join(characters[min(len(characters) - 1, int(value / largest * len(characters)))] for value in values)


def can_print(text: str) -> bool:
    """Whether the encoding of standard output has all characters of `text`."""
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
