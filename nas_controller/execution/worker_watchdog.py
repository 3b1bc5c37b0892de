"""Notices workers that neither report nor die, as one does that is frozen, and ends their processes.

A worker reports every REPORT_SECONDS, and of a long trial every REPORT_SHARE of the time that it has taken.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from nas_controller.search.outcomes import Failed

REPORT_SECONDS = 2.0
REPORT_SHARE = 1 / 50
SILENT_SECONDS = 120.0
SILENT = "worker-silent"


@dataclass
class _Heard:
    """The worker of a trial: its process, the node, and when it was heard of first and last."""

    node: str
    pid: int
    first: float
    last: float
    ended: bool = False


class WorkerWatch:
    """The workers of the trials in training.

    A trial of which nothing was ever heard has not begun: it may wait for a place on the cluster.
    """

    def __init__(self) -> None:
        self._workers: dict[str, _Heard] = {}

    def heard(self, trial_id: str, result: dict[str, Any]) -> None:
        """Takes note of a sign of life."""
        now = time.monotonic()
        known = self._workers.get(trial_id)
        node, pid = result["worker"]
        self._workers[trial_id] = _Heard(node, pid, now if known is None else known.first, now)

    def forget(self, trial_id: str) -> Failed | None:
        """Watches a trial no more; returns why its worker was ended, if it was."""
        known = self._workers.pop(trial_id, None)
        if known is None or not known.ended:
            return None
        silence = time.monotonic() - known.last
        return Failed("retry", f"the worker (process {known.pid}) was silent for {silence:.0f} s and was ended", SILENT)

    def end_silent(self) -> None:
        """Ends every worker that should have reported long ago."""
        now = time.monotonic()
        for known in self._workers.values():
            if not known.ended and now - known.last > SILENT_SECONDS + 2 * REPORT_SHARE * (known.last - known.first):
                known.ended = True
                end_process(known.node, known.pid)


def end_process(node: str, pid: int) -> None:
    """Asks a node of Ray to kill a process of its machine; one that is gone is left alone."""
    there = NodeAffinitySchedulingStrategy(node, soft=False)
    _kill.options(scheduling_strategy=there).remote(pid)


@ray.remote(num_cpus=0, max_retries=0)
def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
