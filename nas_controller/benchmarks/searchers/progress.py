"""The progress of the runs on standard error: a bar on a terminal, otherwise a line for every tenth."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from search_space.terminal import note


@contextmanager
def show_progress() -> Iterator[Callable[[int, int], None]]:
    """Gives a function that shows how many runs of how many are done, until the block ends."""
    if not sys.stderr.isatty():

        def show_line(done: int, total: int) -> None:
            if done * 10 // total > (done - 1) * 10 // total:
                note(f"[{done}/{total}] searches")

        yield show_line
        return

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("searches"), MofNCompleteColumn(), BarColumn(20), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("searches", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
