"""Output of the commands: tables, and formatting of numbers; what commands of all packages share is imported."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from search_space.display import duration as duration
from search_space.terminal import cell_text as cell_text
from search_space.terminal import console as console
from search_space.terminal import note as note
from search_space.terminal import print_json as print_json
from search_space.terminal import print_text as print_text
from search_space.terminal import spark_line as spark_line

if TYPE_CHECKING:
    from rich.text import Text


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
