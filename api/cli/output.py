"""Output of the commands: JSON documents, lines, tables, and formatting of numbers.

Every text passes `search_space.display`: names, errors and logs may come from data sets, users and other services.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from search_space.display import displayed, displayed_line, json_text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


def print_json(document: Any) -> None:
    """Prints `document` as JSON on standard output."""
    sys.stdout.write(json_text(document, sys.stdout.encoding) + "\n")


def say(text: str) -> None:
    """Prints text, a line or several, on standard output."""
    print(displayed(text), flush=True)


def note(text: str) -> None:
    """Prints text on standard error, so that standard output contains only the result."""
    print(displayed(text), file=sys.stderr, flush=True)


def console() -> Console:
    """A console on standard output: coloured on a terminal, plain and 160 columns wide in a file or a pipe."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else 160)


def print_table(
    title: str | None, columns: Sequence[str], rows: Iterable[Sequence[str | Text]], *, left: Sequence[str] = ()
) -> None:
    """Prints a table; columns named in `left` are left-aligned, the others (numbers) right-aligned."""
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="left" if column in left else "right", overflow="fold")
    for row in rows:
        table.add_row(*[cell_text(cell) if isinstance(cell, str) else cell for cell in row])
    console().print(table)


def cell_text(text: str, style: str = "") -> Text:
    """A text as one line of a table."""
    from rich.text import Text

    return Text(displayed_line(text), style=style)


def warning(cell: str, is_off: bool) -> Text:
    """A cell, highlighted if `is_off`."""
    return cell_text(cell, "bold red" if is_off else "")


def millions(count: float, digits: int = 1) -> str:
    """A count in millions: `1,234.5 M`."""
    return f"{count / 1e6:,.{digits}f} M"


def millions_or_dash(count: float | None, digits: int = 1) -> str:
    """A count in millions, a dash for None."""
    return "-" if count is None else millions(count, digits)


def signed_percent(fraction: float | None) -> str:
    """A fraction in percent with its sign, a dash for None: `+1.2 %`."""
    return "-" if fraction is None else f"{100 * fraction:+z.1f} %"


def three_digits(value: float | None) -> str:
    """A reward or AP with three decimals, a dash for None."""
    return "-" if value is None else f"{value:.3f}"


def one_decimal(value: float | None) -> str:
    """A number with one decimal, a dash for None."""
    return "-" if value is None else f"{value:.1f}"


def last_line(text: str | None) -> str:
    """The last line of a text; empty for None or whitespace."""
    return text.strip().splitlines()[-1] if text and text.strip() else ""


def duration(seconds: float | None) -> str:
    """A duration: `42 s`, `3 min 05 s`, `2 h 10 min`."""
    if seconds is None:
        return "-"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


BLOCK_CHARACTERS = "▁▂▃▄▅▆▇█"
ASCII_CHARACTERS = "_.-:=+*#"


def spark_line(values: Sequence[float]) -> str:
    """One character for each value, its height proportional to the value: a block where standard output has blocks."""
    characters = BLOCK_CHARACTERS if _can_print(BLOCK_CHARACTERS) else ASCII_CHARACTERS
    largest = max(values, default=0.0) or 1.0
    return "".join(characters[min(len(characters) - 1, int(value / largest * len(characters)))] for value in values)


def _can_print(text: str) -> bool:
    """Whether the encoding of standard output has all characters of a text."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
