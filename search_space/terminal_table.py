"""Tables that fit the terminal: columns are left out and texts shortened; ids and numbers never wrap and are never cut.

On a terminal, or where COLUMNS is set, a table is as wide as that allows. In a pipe or a file it has all columns whole,
so that what programs read does not depend on a window.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from search_space.display import displayed_line
from search_space.terminal import can_print, cell_text, console

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
    from rich.table import Table

UNLIMITED = 1_000_000
GAP = 2
"""Blanks between two columns."""
MIN_TEXT = 12
"""Characters of a shortened text, at least, before a further column is left out."""


@dataclass(frozen=True)
class FittedTable:
    """A table of `columns` and `rows`; columns named in `left` are left-aligned, the others (numbers) right-aligned.

    Columns named in `drop` are left out where the table is too wide, the first one first; those in `cut` are texts that
    may be shortened, once those in `spare` are left out. `styles` has one style per row, or is empty.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str | RenderableType]]
    left: Sequence[str] = ()
    drop: Sequence[str] = ()
    cut: Sequence[str] = ()
    styles: Sequence[str] = ()
    spare: Sequence[str] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        widths = self._widths(console, options)
        shown = self._fit(widths, options.max_width)
        needed = max(options.max_width, _total([widths[index] for index in shown]))
        yield from console.render(self._table(shown, widths), options.update(width=needed))

    def lines(self, width: int) -> Iterator[str]:
        """The table as plain lines: the names of the columns, a rule, and a line for each row.

        As rich would draw it, in a tenth of the time: a list of thousands of trials takes a moment.
        """
        texts = [[_plain(cell) for cell in row] for row in self.rows]
        widths = [max(map(cell_length, column)) for column in zip(self.columns, *texts, strict=True)]
        shown = self._fit(widths, width)
        rule, ellipsis = ("─", "…") if can_print("─…") else ("-", "~")
        yield self._line(self.columns, shown, widths, ellipsis)
        yield rule * _total([widths[index] for index in shown])
        for row in texts:
            yield self._line(row, shown, widths, ellipsis)

    def _line(self, cells: Sequence[str], shown: Sequence[int], widths: Sequence[int], ellipsis: str) -> str:
        parts = []
        for index in shown:
            text, width = cells[index], widths[index]
            length = cell_length(text)
            if length > width:
                text, length = shortened(text, width - 1) + ellipsis, width
            blanks = " " * (width - length)
            parts.append(text + blanks if self.columns[index] in self.left else blanks + text)
        return (" " * GAP).join(parts).rstrip()

    def _fit(self, widths: list[int], width: int) -> list[int]:
        """The positions of the columns that are shown; limits the widths of the texts among them."""
        shown = self._shown(widths, width)
        texts = [index for index in shown if self.columns[index] in self.cut]
        room = width - _total([0 if index in texts else widths[index] for index in shown])
        for index, limit in zip(texts, _text_limits([widths[index] for index in texts], room), strict=True):
            widths[index] = limit
        return shown

    def _shown(self, widths: Sequence[int], width: int) -> list[int]:
        """The positions of the columns that are shown: all, or those that are left once the table fits."""
        shown = list(range(len(self.columns)))
        if _total(widths) > width:
            shown = [index for index in shown if self.columns[index] not in self.spare]
        least = [
            min(each, MIN_TEXT) if name in self.cut else each for name, each in zip(self.columns, widths, strict=True)
        ]
        for name in self.drop:
            if _total([least[index] for index in shown]) <= width:
                break
            shown = [index for index in shown if self.columns[index] != name]
        return shown

    def _widths(self, console: Console, options: ConsoleOptions) -> list[int]:
        from rich.cells import cell_len
        from rich.measure import Measurement

        unlimited = options.update(max_width=UNLIMITED)
        widths = [cell_len(column) for column in self.columns]
        for row in self.rows:
            for index, cell in enumerate(row):
                width = Measurement.get(console, unlimited, _cell(cell)).maximum
                widths[index] = max(widths[index], width)
        return widths

    def _table(self, shown: Sequence[int], widths: Sequence[int]) -> Table:
        from rich import box
        from rich.table import Table

        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
        for index in shown:
            name, width = self.columns[index], widths[index]
            justify = "left" if name in self.left else "right"
            table.add_column(name, justify=justify, width=width, no_wrap=True, overflow="ellipsis")  # type: ignore[arg-type]
        for number, row in enumerate(self.rows):
            table.add_row(*(_cell(row[index]) for index in shown), style=self.styles[number] if self.styles else None)
        return table


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str | RenderableType]],
    *,
    title: str | None = None,
    left: Sequence[str] = (),
    drop: Sequence[str] = (),
    cut: Sequence[str] = (),
    spare: Sequence[str] = (),
) -> None:
    """Prints a `FittedTable` on standard output, below its title."""
    output = console(UNLIMITED)
    if title is not None:
        output.print(cell_text(title, "bold"), soft_wrap=True)
    table = FittedTable(columns, [list(row) for row in rows], left, drop, cut, spare=spare)
    if output.is_terminal and any(not isinstance(cell, str) for row in table.rows for cell in row):
        output.print(table, soft_wrap=True)  # which has colours
        return
    header, *lines = table.lines(output.width)
    output.print(cell_text(header, "bold"), soft_wrap=True)
    output.file.write("".join(f"{line}\n" for line in lines))
    output.file.flush()


def cell_length(text: str) -> int:
    """The columns that a text takes on a terminal."""
    from rich.cells import cell_len

    return len(text) if text.isascii() else cell_len(text)


def shortened(text: str, length: int) -> str:
    """The beginning of a text that takes so many columns."""
    from rich.cells import set_cell_size

    return set_cell_size(text, length)


def _plain(cell: str | RenderableType) -> str:
    return displayed_line(cell if isinstance(cell, str) else str(cell))


def _cell(cell: str | RenderableType) -> RenderableType:
    return cell_text(cell) if isinstance(cell, str) else cell


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * max(0, len(widths) - 1)


def _text_limits(wanted: Sequence[int], room: int) -> list[int]:
    """How wide each text may be: what it needs, or else its part of the room that shorter ones leave."""
    limits = [0] * len(wanted)
    ascending = sorted(range(len(wanted)), key=lambda index: wanted[index])
    for done, index in enumerate(ascending):
        part = room // (len(wanted) - done)
        limits[index] = min(wanted[index], max(MIN_TEXT, part))
        room -= limits[index]
    return limits
