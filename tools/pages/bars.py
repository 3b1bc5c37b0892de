"""The bars that pages must meet, and the table of what was measured."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from tools.pages.measure import PageFigures

USEFUL_MS, INTERACTION_MS, LONG_TASK_MS = 1_500, 100, 200
"""First useful paint, the slowest event of an interaction, and the longest task after the first useful paint."""


class Row(NamedTuple):
    """A figure of a page: its value with a unit, and its bar; `holds` is None without one."""

    page: str
    figure: str
    value: float
    unit: str
    bar: float | None = None

    @property
    def holds(self) -> bool | None:
        """Whether the value is below the bar."""
        return None if self.bar is None else self.value < self.bar


def rows(pages: Mapping[str, PageFigures], usable: Collection[str] = ()) -> list[Row]:
    """The figures of each page by its name; those of `usable` need only respond to interactions in time."""
    return [row for name, figures in pages.items() for row in _rows(name, figures, name in usable)]


def _rows(page: str, figures: PageFigures, is_usable_enough: bool) -> list[Row]:
    load = figures.load
    useful, long_task = (None, None) if is_usable_enough else (USEFUL_MS, LONG_TASK_MS)
    return [
        Row(page, "first contentful paint", load.first_paint, "ms"),
        Row(page, "first useful paint", load.useful, "ms", useful),
        Row(page, "longest task after it", load.long_task, "ms", long_task),
        *(Row(page, name, value, "ms", INTERACTION_MS) for name, value in figures.interactions.items()),
        Row(page, "requests of a load", load.requests, ""),
        Row(page, "received", load.kilobytes, "kB"),
        Row(page, "memory of scripts", load.heap_mb, "MiB"),
    ]


def missed(measured: list[Row]) -> list[Row]:
    """The rows whose bar does not hold."""
    return [row for row in measured if row.holds is False]


def table(measured: list[Row]) -> str:
    """The rows as lines of aligned text."""
    cells = [("page", "figure", "value", "bar", "holds")]
    cells += [(row.page, row.figure, _value(row), _bar(row), _word(row.holds)) for row in measured]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    return "\n".join(
        "  ".join(
            text.rjust(width) if column in (2, 3) else text.ljust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    )


def _value(row: Row) -> str:
    return f"{row.value:,.0f} {row.unit}".strip()


def _bar(row: Row) -> str:
    return "" if row.bar is None else f"< {row.bar:,.0f} {row.unit}"


def _word(holds: bool | None) -> str:
    return "" if holds is None else "yes" if holds else "NO"
