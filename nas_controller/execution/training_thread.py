"""Trains an architecture in a thread, so that its worker can report at the same time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from nas_controller.execution.worker import ALIVE, Cancelled, Job, OnProgress, TrialProgress, run_trial
from nas_controller.search.outcomes import Failed, Outcome

MAX_UNREAD = 10_000
"""The maximum number of unread reports; the oldest are dropped first."""


class TrainingThread:
    """A training that starts at once and can be cancelled. `reports` counts its reports, those that say nothing too."""

    def __init__(
        self,
        job: Job,
        widths: tuple[int, ...],
        train: Callable[[Job, tuple[int, ...], OnProgress], Outcome] = run_trial,
    ) -> None:
        self.job = job
        self.widths = widths
        self.reports = 0
        self._train = train
        self._unread: deque[TrialProgress] = deque(maxlen=MAX_UNREAD)
        self._outcome: Outcome | None = None
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name="training", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> Outcome | None:
        """The outcome, or None if there is none within `seconds`."""
        self._thread.join(seconds)
        return self._outcome

    def unread(self) -> tuple[TrialProgress, ...]:
        """The progress since the last call, oldest first: every report with an AP, and the latest."""
        reports = []
        while self._unread:
            report = self._unread.popleft()
            if report.ap is not None or not self._unread:
                reports.append(report)
        return tuple(reports)

    def cancel(self, seconds: float) -> bool:
        """Cancels the training at its next report; returns whether it has ended within `seconds`."""
        self._cancelled.set()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._outcome = self._train(self.job, self.widths, self._report)
        except Cancelled:
            return
        except BaseException as error:  # without an outcome, the worker would wait forever
            self._outcome = Failed("retry", f"{type(error).__name__}: {error}")

    def _report(self, progress: TrialProgress) -> None:
        if self._cancelled.is_set():
            raise Cancelled
        self.reports += 1
        if progress is not ALIVE:
            self._unread.append(progress)
