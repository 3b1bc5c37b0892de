"""Progress of a proxy check on standard error: a bar on a terminal, otherwise a line per training."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nas_controller.proxy_check.results import Result, Results, missing, training_key
from nas_controller.proxy_check.study import Study, Training
from search_space.display import displayed, displayed_line, duration
from search_space.terminal import note

ShowProgress = Callable[[int, int, str], None]
PrintLine = Callable[[str], None]


class Progress:
    """Counts trainings, and estimates the time left from the mean seconds per step so far."""

    def __init__(
        self, study: Study, results: Results, parallelism: int, show: ShowProgress, print_line: PrintLine
    ) -> None:
        trainings = study.trainings()
        left = missing(study, results)
        self._total = len(trainings)
        self._done = self._total - len(left)
        self._parallelism = parallelism
        self._steps_left = sum(training.task.steps for training in left)
        self._seconds = 0.0
        self._steps = 0
        self._show = show
        self._print_line = print_line
        for training in trainings:
            result = results.get(training_key(study, training))
            if result is not None:
                self._count(training, result)

    def ended(self, training: Training, result: Result) -> None:
        """Counts a training that has ended."""
        self._done += 1
        self._steps_left -= training.task.steps
        self._count(training, result)
        if result.reward is None:
            self._print_line(f"{_name(training)} failed: {result.error}")
        reward = "-" if result.reward is None else f"{result.reward:.3f}"
        last = f"{_name(training)}: reward {reward}, {result.metrics.get('seconds', 0.0):.1f} s"
        left = f"; about {duration(self._seconds_left())} left" if self._steps_left and self._steps else ""
        self._show(self._done, self._total, last + left)

    def retried(self, training: Training, error: str) -> None:
        """Prints that a training failed and is retried."""
        self._print_line(f"{_name(training)} is retried: {error}")

    def begin(self) -> None:
        """Shows the state at the start."""
        self._show(self._done, self._total, "starting")

    def _count(self, training: Training, result: Result) -> None:
        if "seconds" in result.metrics:
            self._seconds += result.metrics["seconds"]
            self._steps += training.task.steps

    def _seconds_left(self) -> float:
        return self._seconds / self._steps * self._steps_left / self._parallelism


@contextmanager
def show_progress(study: Study, results: Results, parallelism: int) -> Iterator[Progress]:
    """Shows the progress of a study that has these results already, until the block ends."""
    if not sys.stderr.isatty():

        def show(done: int, total: int, last: str) -> None:
            note(f"[{done}/{total}] {last}")

        progress = Progress(study, results, parallelism, show, note)
        progress.begin()
        yield progress
        return

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True, highlight=False)
    columns = (SpinnerColumn(), MofNCompleteColumn(), BarColumn(20), TextColumn("{task.description}", markup=False))
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting")
        progress = Progress(
            study,
            results,
            parallelism,
            lambda done, total, last: bar.update(task, completed=done, total=total, description=displayed_line(last)),
            lambda line: console.print(displayed(line), markup=False),
        )
        progress.begin()
        yield progress


def _name(training: Training) -> str:
    purpose = "" if training.purpose == "proxy" else "reference, "
    return f"{purpose}seed {training.seed}, architecture {training.architecture}"
