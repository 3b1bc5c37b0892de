"""Runs the attempts of one worker, one after another, with timeouts, reports and a log."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from nas_controller.execution import worker_log
from nas_controller.execution.training_thread import TrainingThread
from nas_controller.execution.worker import Job, OnProgress, TrialProgress, run_trial
from nas_controller.search.outcomes import TIMED_OUT, Failed, Outcome, TrialWork

REPORT_SECONDS = 2.0
REPORT_SHARE = 1 / 50
FIRST_REPORT_SECONDS = 0.3
"""A worker reports every REPORT_SECONDS, or every REPORT_SHARE of the trial's time so far if that is longer.

It first reports after FIRST_REPORT_SECONDS, so that a trial of a second is known to run.
"""
CANCEL_SECONDS = 30.0

logger = logging.getLogger(__name__)

Train = Callable[[Job, tuple[int, ...], OnProgress], Outcome]


class WorkerId(NamedTuple):
    """The process of a worker and the node it runs on."""

    node: str
    pid: int


@dataclass(frozen=True)
class Report:
    """What a worker sends: the progress since its last report, and the outcome once there is one.

    `seconds` are those since the attempt began. The watchdog reads how often the training has reported, `reports`, and
    the processor time of the process so far.
    """

    worker: WorkerId
    progress: tuple[TrialProgress, ...] = ()
    outcome: Outcome | None = None
    reports: int = 0
    cpu_seconds: float = 0.0
    seconds: float = 0.0


class TrialWorker:
    """One worker of a pool, on the node `node`; it writes the markers of its logs to `log_dir`.

    `train` trains one architecture and returns its outcome.
    """

    def __init__(
        self,
        job: Job,
        log_dir: Path,
        timeout_seconds: float | None = None,
        *,
        node: str = "",
        train: Train = run_trial,
    ) -> None:
        self._job = job
        self._log_dir = log_dir
        self._timeout_seconds = math.inf if timeout_seconds is None else timeout_seconds
        self._id = WorkerId(node, os.getpid())
        self._train = train
        self._thread: TrainingThread | None = None
        self._began = 0.0
        self._next_report = 0.0
        self._timed_out = False

    def step(self, work: TrialWork, max_seconds: float = math.inf) -> Report | None:
        """The next report on an attempt; the first call starts the attempt.

        Waits for the end of the attempt or the time of its next report; None if neither comes within `max_seconds`.
        """
        if self._thread is None:
            self._begin(work)
            assert self._thread is not None
        due = min(self._next_report, self._began + self._timeout_seconds)
        outcome = self._thread.wait(max(0.0, min(max_seconds, due - time.monotonic())))
        now = time.monotonic()
        if outcome is None and now < due:
            return None
        self._next_report = now + max(REPORT_SECONDS, (now - self._began) * REPORT_SHARE)
        progress, reports = self._thread.unread(), self._thread.reports
        if outcome is not None:
            self._thread = None
        elif now - self._began >= self._timeout_seconds:
            # The training may still be running; the next trial waits until it has ended (`release`).
            error = f"the attempt took longer than trial_timeout_seconds, {self._timeout_seconds:g} s"
            outcome = Failed("retry", error, TIMED_OUT)
            self._timed_out = True
        return Report(self._id, progress, outcome, reports, time.process_time(), now - self._began)

    def release(self, seconds: float = CANCEL_SECONDS) -> bool:
        """Cancels a training that is still running; False if it has not ended within `seconds`.

        The checkpoint of a trial that was stopped early is removed; one that timed out may resume from it.
        """
        if self._thread is None:
            return True
        if not self._thread.cancel(seconds):
            return False
        if not self._timed_out:
            self._thread.job.remove_checkpoint_of(self._thread.widths)
        self._thread = None
        return True

    def abandon(self, seconds: float = 0.5) -> None:
        """Cancels a training that is still running, and keeps its checkpoint."""
        if self._thread is not None:
            self._thread.cancel(seconds)

    def _begin(self, work: TrialWork) -> None:
        worker_log.begin(self._log_dir, work.number, work.attempt)
        logger.info("%s: widths %s", work, " ".join(map(str, work.widths)) or "of all architectures")
        self._thread = TrainingThread(self._job.of(work), work.widths, self._train)
        self._began = time.monotonic()
        self._next_report = self._began + FIRST_REPORT_SECONDS
        self._timed_out = False
