"""The protocols between executors, which run trials, and the sources of trials: a campaign or a proxy check."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from nas_controller.execution.worker import Job
from nas_controller.search.outcomes import Failed, Rewarded, TrialWork
from search_space.errors import EffspineError

Stop = Callable[[], bool]


class ClusterAwayError(EffspineError):
    """The Ray cluster does not answer. Wait until it does."""


@dataclass(frozen=True)
class Workers:
    """How many trials train at once, and what each takes.

    `threads` processors, `gpus` (None: an equal share of those available) and `tpus` chips. An attempt fails after
    `timeout_seconds`; None is never.
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
        """Whether nothing new begins, while the trials in training are completed."""
        ...

    def next_trial(self) -> TrialWork | None:
        """What to train next; None when there is nothing to do before something completes."""
        ...

    def progress(
        self, work: TrialWork, step: int, total: int, values: Mapping[str, float], ap: float | None = None
    ) -> None:
        """Records how far an attempt has come."""
        ...

    def stop_early(self, work: TrialWork, step: int, values: Mapping[str, float], ap: float | None) -> bool:
        """Whether the attempt ends here; its outcome is recorded then."""
        ...

    def is_finished(self, number: int) -> bool:
        """Whether a trial has its outcome, or will have none."""
        ...

    def complete(self, work: TrialWork, outcome: Rewarded | Failed) -> None:
        """Records the outcome of an attempt."""
        ...

    def end(self, state: Literal["stopped", "failed", "completed"], error: str | None = None) -> None:
        """Ends the source; trials in training are abandoned."""
        ...


class Session(Protocol):
    """Workers that have been started."""

    def run(self, source: TrialSource, job: Job, stop: Stop, workers: Callable[[], Workers]) -> None:
        """Runs trials until the source is over or drained, or `stop()` is true.

        Also returns, once the trials in training have finished, when `workers()` asks for workers that need another
        session. A source whose trials ask for what is not available here is ended as failed. Raises what the source
        raises; trials still in training are lost then.
        """
        ...


class Executor(Protocol):
    """Starts workers."""

    def session(self, workers: Workers) -> AbstractContextManager[Session]:
        """Starts the workers, and stops them when the block ends.

        Raises NoRoomError where the disk is full and ClusterAwayError where a cluster does not answer.
        """
        ...
