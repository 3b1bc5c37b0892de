"""The protocols between executors, which run trials, and the sources of trials: a campaign or a proxy check."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from nas_controller.execution.worker import Job
from nas_controller.search.outcomes import LogTail, Outcome, TrialWork
from search_space.errors import EffspineError

Stop = Callable[[], bool]


class ClusterUnavailableError(EffspineError):
    """The Ray cluster does not respond; retry later."""


@dataclass(frozen=True)
class Workers:
    """How many trials train at once, and the resources of each.

    A trial takes `threads` processors, `gpus` (None: an equal share of those available) and `tpus` chips. An attempt
    fails after `timeout_seconds`; None disables the timeout.
    """

    parallelism: int
    threads: int
    gpus: float | None = None
    tpus: int = 0
    timeout_seconds: float | None = None


class TrialSource(Protocol):
    """Hands out trials and records their outcomes. An executor makes all calls from one thread."""

    @property
    def over(self) -> bool:
        """Whether there is nothing left to run."""
        ...

    @property
    def draining(self) -> bool:
        """Whether no trial begins any more while those in training are completed."""
        ...

    def next_trial(self) -> TrialWork | None:
        """The next trial to train; None while every further one has to wait for an outcome."""
        ...

    def begun(self, work: TrialWork, seconds: float) -> None:
        """Records that a worker began an attempt so many seconds ago; called once, with its first report."""
        ...

    def progress(
        self, work: TrialWork, step: int, total: int, values: Mapping[str, float], ap: float | None = None
    ) -> None:
        """Records the progress of an attempt."""
        ...

    def stop_early(
        self, work: TrialWork, step: int, values: Mapping[str, float], ap: float | None, log: LogTail
    ) -> bool:
        """Whether the attempt ends at this step; its outcome is recorded then, with the end of its `log`."""
        ...

    def is_finished(self, number: int) -> bool:
        """Whether a trial has its outcome, or will never have one."""
        ...

    def complete(self, work: TrialWork, outcome: Outcome) -> None:
        """Records the outcome of an attempt."""
        ...

    def end(self, state: Literal["stopped", "failed", "completed"], error: str | None = None) -> None:
        """Ends the source; trials in training are abandoned."""
        ...


class Session(Protocol):
    """Workers that have been started."""

    def run(self, source: TrialSource, job: Job, stop: Stop, workers: Callable[[], Workers]) -> None:
        """Runs trials until the source is over or drained, or `stop()` is true.

        Also returns when `workers()` asks for workers that need another session, once the trials in training have
        finished. Ends the source as failed if its trials need resources that are not available. Raises what the source
        raises; trials still in training are lost then.
        """
        ...


class Executor(Protocol):
    """Starts workers."""

    def session(self, workers: Workers) -> AbstractContextManager[Session]:
        """Starts the workers, and stops them when the block ends.

        Raises DiskFullError if the disk is full and ClusterUnavailableError if a cluster does not respond.
        """
        ...
