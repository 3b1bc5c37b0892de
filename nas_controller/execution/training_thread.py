"""Trains an architecture in a thread, so that its worker can report meanwhile."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from nas_controller.execution.worker import Cancelled, Job, OnProgress, TrialProgress, run_trial
from nas_controller.search.outcomes import Failed, Rewarded

MAX_UNREAD = 10_000
"""Reports that wait to be read; the oldest are dropped first."""


class TrainingThread:
    """A training that begins at once and can be cancelled."""

    def __init__(
        self,
        job: Job,
        widths: tuple[int, ...],
        train: Callable[[Job, tuple[int, ...], OnProgress], Rewarded | Failed] = run_trial,
    ) -> None:
        self.widths = widths
        self._job = job
        self._train = train
        self._unread: deque[TrialProgress] = deque(maxlen=MAX_UNREAD)
        self._outcome: Rewarded | Failed | None = None
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name="training", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> Rewarded | Failed | None:
        """The outcome, or None if there is none after so many seconds."""
        self._thread.join(seconds)
        return self._outcome

    def unread(self) -> tuple[TrialProgress, ...]:
        """The progress since the last call, oldest first: every report with an AP, and the latest."""
        found = []
        while self._unread:
            report = self._unread.popleft()
            if report.ap is not None or not self._unread:
                found.append(report)
        return tuple(found)

    def cancel(self, seconds: float) -> bool:
        """Asks the training to end at its next report; returns whether it has ended within so many seconds."""
        self._cancelled.set()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._outcome = self._train(self._job, self.widths, self._report)
        except Cancelled:
            return
        except BaseException as error:  # a thread that ends without an outcome would be waited for forever
            self._outcome = Failed("retry", f"{type(error).__name__}: {error}")

    def _report(self, progress: TrialProgress) -> None:
        if self._cancelled.is_set():
            raise Cancelled
        self._unread.append(progress)
