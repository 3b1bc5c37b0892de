"""Output of the commands: tables, and formatting of numbers; what commands of all packages share is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from search_space.display import device_time as device_time
from search_space.display import duration as duration
from search_space.display import written_difference
from search_space.terminal import cell_text as cell_text
from search_space.terminal import console as console
from search_space.terminal import note as note
from search_space.terminal import print_json as print_json
from search_space.terminal import print_text as print_text
from search_space.terminal import spark_line as spark_line
from search_space.terminal_table import print_table as print_table

if TYPE_CHECKING:
    from rich.text import Text


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


def signed_difference(one: float | None, other: float | None) -> str:
    """The difference of two APs as they are written, with its sign; a dash where one is None."""
    return "-" if one is None or other is None else f"{written_difference(one, other):+z.3f}"


def one_decimal(value: float | None) -> str:
    """A number with one decimal, a dash for None."""
    return "-" if value is None else f"{value:.1f}"


def last_line(text: str | None) -> str:
    """The last line of a text; empty for None or whitespace."""
    return text.strip().splitlines()[-1] if text and text.strip() else ""
