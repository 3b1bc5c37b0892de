"""Runs the missing trainings of a study with an executor.

A training that loses its worker, or fails in another way worth a retry, has MAX_ATTEMPTS attempts. Then its failure is
recorded, and the next call retries it. Each result is on the disk before its worker begins the next training, so the
process may end at any moment.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Literal, Protocol

from nas_controller.execution.executor import Executor, Workers
from nas_controller.execution.worker import Job
from nas_controller.proxy_check.results import Result, ResultsFile, missing
from nas_controller.proxy_check.same_data import Selection, data_by_selection, selection
from nas_controller.proxy_check.study import Study, Training
from nas_controller.search.data_difference import data_difference
from nas_controller.search.outcomes import (
    WORKER_KILLED,
    WORKER_SILENT,
    Failed,
    LogTail,
    Outcome,
    Rewarded,
    TrialWork,
    checked_reward,
)
from search_space.errors import EffspineError
from search_space.proxy_task import ProxyTask

MAX_ATTEMPTS = 3
_WORKER_LOST_KINDS = (WORKER_KILLED, WORKER_SILENT)

logger = logging.getLogger(__name__)


class StudyStoppedError(EffspineError):
    """A training failed for a reason that affects every other training too, such as an unusable data set."""


class Listener(Protocol):
    """Receives the events of a check."""

    def ended(self, training: Training, result: Result) -> None:
        """A training has its result, which is on the disk."""

    def retried(self, training: Training, error: str) -> None:
        """A training failed and is retried."""


def train_missing(
    study: Study, file: ResultsFile, *, parallelism: int, cache_dir: Path, listener: Listener, executor: Executor
) -> None:
    """Runs every training without a reward, `parallelism` at once, and appends the results.

    Raises StudyStoppedError and what the executor's session raises; after an error and after an interrupt, the results
    of all trainings that have ended are on the disk.
    """
    trainings = missing(study, file.results)
    if not trainings:
        return
    threads = max(1, len(os.sched_getaffinity(0)) // parallelism)
    workers = Workers(min(parallelism, len(trainings)), threads)
    job = Job(
        task=study.task,
        base=study.base,
        dataset_dir=None if study.dataset is None else Path(study.dataset),
        cache_dir=cache_dir,
        seed=study.seeds[0],
        threads=threads,
        space=study.space,
    )
    with executor.session(workers) as session:
        session.run(MissingTrainings(study, file, workers, listener), job, lambda: False, lambda: workers)


class MissingTrainings:
    """The trainings of a study that have no reward yet, as trials for an executor; the trial number is the training's
    index in the study.

    A worker keeps its task and seed as long as there are trainings with them, since others need other data and another
    graph. Executors do not identify the worker that asks for a trial: it is assumed to be the one that finished last.
    """

    draining = False

    def __init__(self, study: Study, file: ResultsFile, workers: Workers, listener: Listener) -> None:
        self._study = study
        self._file = file
        self._workers = workers
        self._listener = listener
        self._trainings = study.trainings()
        unfinished = set(missing(study, file.results))
        self._waiting = [number for number, training in enumerate(self._trainings) if training in unfinished]
        self._data = data_by_selection(file.results.values())
        self._running: set[int] = set()
        self._attempts: Counter[int] = Counter()
        self._idle: list[tuple[ProxyTask, int] | None] = []
        """The latest task and seed of each idle worker."""

    @property
    def over(self) -> bool:
        """Whether every training has its result."""
        return not self._waiting and not self._running

    def next_trial(self) -> TrialWork | None:
        """The next training, with its task and seed."""
        if not self._waiting:
            return None
        number = self._next_for(self._idle.pop() if self._idle else None)
        self._waiting.remove(number)
        self._running.add(number)
        self._attempts[number] += 1
        training = self._trainings[number]
        expected = self._data.get(self._selection(number))
        return TrialWork(
            number,
            self._attempts[number],
            training.widths,
            training.task,
            training.seed,
            None if expected is None else expected["sha256"],
        )

    def _next_for(self, last: tuple[ProxyTask, int] | None) -> int:
        """The first training with the worker's task and seed, else with those of no running training, else any."""
        running = {self._settings(number) for number in self._running}
        own = (number for number in self._waiting if self._settings(number) == last)
        free = (number for number in self._waiting if self._settings(number) not in running)
        return next(own, next(free, self._waiting[0]))

    def _settings(self, number: int) -> tuple[ProxyTask, int]:
        training = self._trainings[number]
        return training.task, training.seed

    def _selection(self, number: int) -> Selection:
        training = self._trainings[number]
        return selection(self._study.dataset, training.seed, training.task.to_dict())

    def begun(self, work: TrialWork, seconds: float) -> None:
        """Ignores the begin: workers measure the seconds of their trainings."""

    def progress(
        self, work: TrialWork, step: int, total: int, values: Mapping[str, float], ap: float | None = None
    ) -> None:
        """Ignores progress: only results are recorded."""

    def stop_early(
        self, work: TrialWork, step: int, values: Mapping[str, float], ap: float | None, log: LogTail
    ) -> bool:
        """False: every training runs to its end."""
        return False

    def is_finished(self, number: int) -> bool:
        """Whether a training has its result."""
        return number not in self._running and number not in self._waiting

    def end(self, state: Literal["stopped", "failed", "completed"], error: str | None = None) -> None:
        """Raises StudyStoppedError: the machine lacks what a training needs."""
        raise StudyStoppedError(error or state)

    def complete(self, work: TrialWork, outcome: Outcome) -> None:
        """Appends a result, or returns the training to the head of the queue.

        Raises StudyStoppedError for a failure that affects every training.
        """
        self._running.remove(work.number)
        lost = isinstance(outcome, Failed) and outcome.kind in _WORKER_LOST_KINDS
        self._idle.append(None if lost else self._settings(work.number))
        training = self._trainings[work.number]
        self._check_data(work.number, outcome)
        if isinstance(outcome, Rewarded):
            outcome = checked_reward(outcome)
        if isinstance(outcome, Failed):
            if outcome.log_tail:
                logger.warning("the worker's log ends with:\n%s", outcome.log_tail)
            if outcome.reaction == "stop":
                raise StudyStoppedError(outcome.error)
            if outcome.reaction == "wait":
                raise StudyStoppedError(f"{outcome.error}; run the check again once that is fixed")
            if outcome.reaction == "retry" and work.attempt < MAX_ATTEMPTS:
                self._waiting.insert(0, work.number)
                self._listener.retried(training, outcome.error)
                return
        result = self._result(training, outcome)
        self._file.append(result)
        self._listener.ended(training, result)

    def _check_data(self, number: int, outcome: Outcome) -> None:
        """Raises StudyStoppedError if an outcome comes from other data than earlier ones with the same images."""
        expected = self._data.get(self._selection(number))
        if expected is not None and outcome.data is not None and outcome.data["sha256"] != expected["sha256"]:
            raise StudyStoppedError(
                f"the data set {self._study.dataset} has changed since the first result of seed "
                f"{self._trainings[number].seed}: {data_difference(expected, outcome.data)}; restore it, or begin anew "
                "with another --out"
            )
        if expected is None and isinstance(outcome, Rewarded) and outcome.data is not None:
            self._data[self._selection(number)] = outcome.data

    def _result(self, training: Training, outcome: Outcome) -> Result:
        return Result(
            base=self._study.base.name,
            widths=training.widths,
            task=training.task.to_dict(),
            seed=training.seed,
            dataset=self._study.dataset,
            threads=self._workers.threads,
            at_once=self._workers.parallelism,
            reward=outcome.reward if isinstance(outcome, Rewarded) else None,
            metrics=outcome.metrics if isinstance(outcome, Rewarded) else {},
            error=outcome.error if isinstance(outcome, Failed) else None,
            effspine=version("effspine"),
            data=outcome.data,
        )
