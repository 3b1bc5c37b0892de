"""Kills workers that stop reporting or training without dying, such as frozen ones and those on a hung mount."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from nas_controller.execution.trial_worker import REPORT_SHARE, Report, WorkerId
from nas_controller.search.outcomes import WORKER_SILENT, Failed
from search_space.errors import EffspineError

SILENT_SECONDS = 120.0
START_SECONDS = 300.0
"""A worker starts within seconds; this leaves room for a busy machine."""
KILL_SECONDS = 60.0
MIN_CPU_SHARE = 0.02
"""A training uses a processor for at least this share of the time, also while it compiles or reads images."""


class WorkerHangsError(EffspineError):
    """A worker neither starts nor dies, so all workers must be started again."""


@dataclass
class _Watched:
    """A trial in training, with times in monotonic seconds.

    `begun` is when it was handed out, `first` and `last` when its `worker` reported first and last, and `active` when
    a report last showed progress, or enough processor time since: its `reports` and `cpu_seconds` then.
    """

    begun: float
    worker: WorkerId | None = None
    first: float = 0.0
    last: float = 0.0
    active: float = 0.0
    reports: int = 0
    cpu_seconds: float = 0.0
    killed: float | None = None
    failure: Failed | None = None


class WorkerWatchdog:
    """Watches the workers of the trials in training; `kill` ends the process of one.

    With `starts_at_once`, a trial that was handed out has a worker within seconds. Otherwise a trial whose worker has
    never reported may wait for resources.
    """

    def __init__(self, kill: Callable[[WorkerId], None], *, starts_at_once: bool) -> None:
        self._kill = kill
        self._starts_at_once = starts_at_once
        self._watched: dict[str, _Watched] = {}

    def begin(self, trial_id: str) -> None:
        """Starts watching a trial, which has been handed out."""
        self._watched[trial_id] = _Watched(time.monotonic())

    def heartbeat(self, trial_id: str, report: Report) -> None:
        """Records that the worker of a trial has reported."""
        now, watched = time.monotonic(), self._watched[trial_id]
        watched.last = now
        if watched.worker is None:
            watched.worker, watched.first, watched.active = report.worker, now, now
        used_seconds = report.cpu_seconds - watched.cpu_seconds
        if report.reports > watched.reports or used_seconds >= MIN_CPU_SHARE * (now - watched.active):
            watched.active, watched.reports, watched.cpu_seconds = now, report.reports, report.cpu_seconds

    def has_reported(self, trial_id: str) -> bool:
        """Whether the worker of a trial has reported."""
        return self._watched[trial_id].worker is not None

    def forget(self, trial_id: str) -> Failed | None:
        """Stops watching a trial; returns the failure if its worker was killed for its silence."""
        watched = self._watched.pop(trial_id, None)
        return None if watched is None else watched.failure

    def kill_silent(self) -> None:
        """Kills every worker whose report is long overdue, or whose reports have long shown no activity.

        Raises WorkerHangsError for a worker that was killed and does not die, and for one that has not started.
        """
        now = time.monotonic()
        for watched in self._watched.values():
            if watched.worker is None:
                if self._starts_at_once and now - watched.begun > START_SECONDS:
                    raise WorkerHangsError(f"a worker has not started its trial within {START_SECONDS:.0f} s")
            elif watched.killed is None:
                self._kill_if_silent(watched, watched.worker, now)
            elif now - watched.killed > KILL_SECONDS:
                raise WorkerHangsError(
                    f"the worker (process {watched.worker.pid}) was killed and has not ended within "
                    f"{KILL_SECONDS:.0f} s; it may wait for a file system that does not answer"
                )

    def _kill_if_silent(self, watched: _Watched, worker: WorkerId, now: float) -> None:
        allowed = SILENT_SECONDS + 2 * REPORT_SHARE * (watched.last - watched.first)
        silence, inactivity = now - watched.last, now - watched.active
        if inactivity <= allowed:
            return
        if silence > allowed:
            what = f"was silent for {silence:.0f} s"
        else:
            what = f"made no progress and used no processor for {inactivity:.0f} s"
        watched.killed = now
        watched.failure = Failed("retry", f"the worker (process {worker.pid}) {what} and was killed", WORKER_SILENT)
        self._kill(worker)
