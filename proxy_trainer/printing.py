"""Output of this package's commands: tables and a progress bar."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from search_space.terminal import cell_text, console


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """A callback (done, total) that updates a progress bar on standard error; no bar where that is not a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def print_facts(facts: Sequence[tuple[str, str]]) -> None:
    """Prints names and values, one pair per line."""
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in facts:
        table.add_row(cell_text(name, "bold"), cell_text(value))
    console().print(table)
