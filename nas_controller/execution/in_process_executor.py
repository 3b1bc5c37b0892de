"""Runs trials in threads of this process: for tests, and for runs too short to start Ray."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nas_controller.execution.dispatcher import Dispatcher
from nas_controller.execution.executor import Session, Stop, TrialSource, Workers
from nas_controller.execution.trial_worker import Train, TrialWorker, WorkerId
from nas_controller.execution.worker import Job, run_trial
from nas_controller.execution.worker_pool import WorkerPool
from nas_controller.search.outcomes import TrialWork

POLL_SECONDS = 0.01


class InProcessExecutor:
    """An executor without processes.

    `train` trains one architecture and returns its outcome. A process has one real trainer, which trains one trial at
    a time; the synthetic reward serves any number.
    """

    def __init__(self, train: Train = run_trial) -> None:
        self._train = train

    @contextmanager
    def session(self, workers: Workers) -> Iterator[Session]:
        """Starts no process; creates a temporary directory for the markers of logs."""
        with tempfile.TemporaryDirectory(prefix="effspine-") as log_dir:
            yield _InProcessSession(workers, Path(log_dir), self._train)


class _InProcessSession:
    def __init__(self, started: Workers, log_dir: Path, train: Train) -> None:
        self._started = started
        self._log_dir = log_dir
        self._train = train

    def run(self, source: TrialSource, job: Job, stop: Stop, workers: Callable[[], Workers]) -> None:
        """Runs trials; see `Session.run`."""
        pool = WorkerPool(self._started, workers, self._available)
        if (missing := pool.missing()) is not None:
            source.end("failed", missing)
        dispatcher = Dispatcher(source, job, stop, self._log_dir, pool, _never_silent)
        ids = map(str, itertools.count())
        idle = [self._worker(job) for _ in range(self._started.parallelism)]
        busy: dict[str, tuple[TrialWorker, TrialWork]] = {}
        try:
            while not dispatcher.over:
                while idle and (work := dispatcher.next_work(trial_id := next(ids))) is not None:
                    busy[trial_id] = (idle.pop(), work)
                for trial_id, (worker, work) in list(busy.items()):
                    if self._is_training(dispatcher, trial_id, worker, work):
                        continue
                    del busy[trial_id]
                    idle.append(worker if worker.release() else self._worker(job))
        finally:
            for worker, _ in busy.values():
                worker.abandon()
        if dispatcher.error is not None:
            raise dispatcher.error

    def _is_training(self, dispatcher: Dispatcher, trial_id: str, worker: TrialWorker, work: TrialWork) -> bool:
        """Dispatches the next report of the worker, if there is one; whether the trial is still in training then."""
        report = worker.step(work, POLL_SECONDS)
        if report is None:
            return True
        if report.outcome is None:
            return dispatcher.report(trial_id, report)
        dispatcher.complete(trial_id, report)
        return False

    def _worker(self, job: Job) -> TrialWorker:
        return TrialWorker(job, self._log_dir, self._started.timeout_seconds, train=self._train)

    def _available(self) -> dict[str, float]:
        return {"CPU": float(self._started.parallelism)}


def _never_silent(worker: WorkerId) -> None:
    """Never called: a thread cannot be killed, and the loop reads every one of them in each turn."""
