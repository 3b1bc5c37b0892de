"""Output of the commands: JSON documents, tables, and formatting of numbers."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


def print_json(document: Any) -> None:
    """Prints `document` as JSON on standard output."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def note(line: str) -> None:
    """Prints a line on standard error, so that standard output contains only the result."""
    print(line, file=sys.stderr, flush=True)


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
    from rich.text import Text

    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="left" if column in left else "right", overflow="fold")
    for row in rows:
        table.add_row(*[Text(cell) if isinstance(cell, str) else cell for cell in row])
    console().print(table)


def warning(cell: str, is_off: bool) -> Text:
    """A cell, highlighted if `is_off`."""
    from rich.text import Text

    return Text(cell, style="bold red" if is_off else "")


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


def spark_line(values: Sequence[float]) -> str:
    """One block character per value; its height is proportional to the value."""
    largest = max(values, default=0.0) or 1.0
    return "".join(
        BLOCK_CHARACTERS[min(len(BLOCK_CHARACTERS) - 1, int(value / largest * len(BLOCK_CHARACTERS)))]
        for value in values
    )
