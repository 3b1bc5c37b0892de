"""Kills workers that stop reporting without dying, such as frozen ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from nas_controller.execution.trial_worker import REPORT_SHARE, WorkerId
from nas_controller.search.outcomes import Failed

SILENT_SECONDS = 120.0
SILENT = "worker-silent"


@dataclass
class _Watched:
    """The worker of a trial, and the times of its first and latest report."""

    worker: WorkerId
    first: float
    last: float
    killed: bool = False


class WorkerWatchdog:
    """Watches the workers of the trials in training; `kill` ends the process of one.

    A trial whose worker has never reported has not begun: it may wait for resources of the cluster.
    """

    def __init__(self, kill: Callable[[WorkerId], None]) -> None:
        self._kill = kill
        self._watched: dict[str, _Watched] = {}

    def heartbeat(self, trial_id: str, worker: WorkerId) -> None:
        """Records that the worker of a trial has reported."""
        now = time.monotonic()
        watched = self._watched.get(trial_id)
        self._watched[trial_id] = _Watched(worker, now if watched is None else watched.first, now)

    def forget(self, trial_id: str) -> Failed | None:
        """Stops watching a trial; returns the failure if its worker was killed for its silence."""
        watched = self._watched.pop(trial_id, None)
        if watched is None or not watched.killed:
            return None
        silence = time.monotonic() - watched.last
        error = f"the worker (process {watched.worker.pid}) was silent for {silence:.0f} s and was killed"
        return Failed("retry", error, SILENT)

    def kill_silent(self) -> None:
        """Kills every worker whose report is long overdue."""
        now = time.monotonic()
        for watched in self._watched.values():
            allowed = SILENT_SECONDS + 2 * REPORT_SHARE * (watched.last - watched.first)
            if not watched.killed and now - watched.last > allowed:
                watched.killed = True
                self._kill(watched.worker)
