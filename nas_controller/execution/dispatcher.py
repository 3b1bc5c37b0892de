"""Hands the trials of a source to workers, and the reports of the workers to the source."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from nas_controller.execution import worker_log
from nas_controller.execution.executor import Stop, TrialSource
from nas_controller.execution.trial_worker import Report, WorkerId
from nas_controller.execution.worker import Job, TrialProgress
from nas_controller.execution.worker_pool import WorkerPool
from nas_controller.execution.worker_watchdog import WorkerWatchdog
from nas_controller.search.outcomes import Failed, Outcome, Rewarded, SharedWeights, TrialWork

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Dispatcher:
    """One run of an executor; a trial in training is known by the executor's `trial_id`.

    An error of the source (the database is unavailable, the lease is lost) ends the run, as does a worker that neither
    starts nor dies; the executor then raises `error`. `kill` ends the process of a worker.
    """

    def __init__(
        self,
        source: TrialSource,
        job: Job,
        stop: Stop,
        log_dir: Path,
        pool: WorkerPool,
        kill: Callable[[WorkerId], None],
    ) -> None:
        self._source = source
        self._job = job
        self._stop = stop
        self._log_dir = log_dir
        self._pool = pool
        self._watchdog = WorkerWatchdog(kill, starts_at_once=pool.starts_at_once())
        self._running: dict[str, TrialWork] = {}
        self.error: BaseException | None = None

    @property
    def over(self) -> bool:
        """Whether the run is over: it has no trials left, it has drained, or it is aborted."""
        return self._aborts() or (not self._running and self._drains())

    def next_work(self, trial_id: str) -> TrialWork | None:
        """The next trial for a worker; None while there is nothing to begin, and when the run is over."""
        while not self.over:
            if not self._drains() and len(self._running) < self._pool.workers.parallelism:
                work = self._guarded(self._source.next_trial)
                if work is not None:
                    self._running[trial_id] = work
                    self._watchdog.begin(trial_id)
                    return work
            if self._running:
                return None
            # Nothing runs, so no outcome will come. Ask again: the source may have resolved a repeat without training.
        return None

    def report(self, trial_id: str, report: Report) -> bool:
        """Records progress; False if the source stops the trial early. Its outcome is recorded then."""
        work = self._running.get(trial_id)
        if work is None:
            return True
        self._note_begin(trial_id, work, report)
        self._watchdog.heartbeat(trial_id, report)
        if not self._is_stopped_by(work, report.progress):
            return True
        del self._running[trial_id]
        self._watchdog.forget(trial_id)
        worker_log.end(self._log_dir, work.number, work.attempt, read=False)
        return False

    def complete(self, trial_id: str, report: Report | None, cause: BaseException | str = "") -> None:
        """Records the outcome of a trial.

        Without a report, `cause` is the error of the worker, or the executor's message about its death. The progress in
        the report is recorded first. If it stops the trial early, that is the outcome: the decision must not depend on
        when a report was read.
        """
        work = self._running.get(trial_id)
        if work is not None and report is not None:
            self._note_begin(trial_id, work, report)
        silence = self._watchdog.forget(trial_id)
        self._running.pop(trial_id, None)
        if work is None:
            return
        known = silence if report is None else _timed(report)
        if known is None and self._aborts():
            return
        stopped = report is not None and self._is_stopped_by(work, report.progress)
        outcome = self._with_log(work, known, cause)
        if self.error is None and not stopped:
            self._guarded(lambda: self._source.complete(work, outcome))
        if self.error is None and self._source.is_finished(work.number):
            self._job.of(work).remove_checkpoint_of(work.widths)

    def complete_all(self, cause: str) -> None:
        """Records that all running attempts have lost their workers; `cause` is the executor's message."""
        for trial_id in list(self._running):
            self.complete(trial_id, None, cause)

    def kill_silent_workers(self) -> None:
        """Kills the workers that hang; call it regularly. The run ends where one does not start or die."""
        if self.error is None:
            self._guarded(self._watchdog.kill_silent)

    def _note_begin(self, trial_id: str, work: TrialWork, report: Report) -> None:
        """Records when the worker began, unless it has reported before."""
        if not self._watchdog.has_reported(trial_id) and not self._aborts():
            self._guarded(lambda: self._source.begun(work, report.seconds))

    def _aborts(self) -> bool:
        """Whether the run stops at once and records no further outcome."""
        return self.error is not None or self._source.over or self._stop()

    def _drains(self) -> bool:
        return self._source.draining or self._pool.needs_restart()

    def _is_stopped_by(self, work: TrialWork, progress: tuple[TrialProgress, ...]) -> bool:
        """Records progress, oldest first, until one report stops the trial early."""

        def log() -> str | None:
            return worker_log.end(self._log_dir, work.number, work.attempt).tail

        for reported in progress:
            if self._aborts():
                return False
            self._guarded(
                partial(self._source.progress, work, reported.step, reported.steps, reported.values, reported.ap)
            )
            stops = partial(self._source.stop_early, work, reported.step, reported.values, reported.ap, log)
            if self.error is None and self._guarded(stops):
                return True
        return False

    def _with_log(self, work: TrialWork, known: Outcome | None, cause: BaseException | str) -> Outcome:
        """The outcome of an attempt with the end of the worker's log, which shared weights do not have."""
        log = worker_log.end(self._log_dir, work.number, work.attempt, read=not isinstance(known, SharedWeights))
        if isinstance(known, SharedWeights):
            return known
        if isinstance(known, Rewarded):
            return replace(known, log_tail=log.tail)
        failed = replace(known or _failure(cause, log), log_tail=log.tail)
        logger.warning("%s: %s: %s", work, failed.kind, failed.error)
        return failed

    def _guarded(self, call: Callable[[], T]) -> T | None:
        """The result of `call`; an error is kept in `error` instead, which ends the run."""
        try:
            return call()
        except Exception as error:
            self.error = error
            return None


def _timed(report: Report) -> Outcome | None:
    """The outcome in a report, if there is one, with the seconds that the worker took for it."""
    return None if report.outcome is None else replace(report.outcome, seconds=report.seconds)


def _failure(cause: BaseException | str, log: worker_log.AttemptLog) -> Failed:
    """The failure of an attempt whose worker reported no outcome."""
    if isinstance(cause, str):
        return Failed.of(log.death(cause))
    return Failed("retry", f"{type(cause).__name__}: {cause}")
