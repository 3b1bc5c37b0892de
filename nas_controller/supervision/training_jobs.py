"""The supervisor's part in trainings: it starts a process for each, one after another, watches it and reaps it.

As exports, trainings need no lease: every write of the process names its attempt, and a training whose supervisor has
sent no heartbeat for a while is queued again. The next process continues from the checkpoint of the one before.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from nas_controller.store import LeaseLostError, NotFoundError, Store, StoreUnavailableError, TrainingRecord
from nas_controller.supervision.campaign_logs import log_path, log_tail
from nas_controller.supervision.job_process import close_stdin, end_job, start_job, terminate_job
from nas_controller.supervision.process_session import kill_session
from nas_controller.supervision.runner_protocol import EXIT_DONE, EXIT_MUST_WAIT, EXIT_NOT_OURS

STOP_SECONDS = 120.0
"""A process that is asked to stop finishes its step or evaluation and saves; after so long it is killed."""
SHUTDOWN_SECONDS = 10.0
WAIT_SECONDS = 2.0
JOB_COMMAND = (sys.executable, "-m", "nas_controller.supervision.training_job")

logger = logging.getLogger(__name__)


@dataclass
class _Job:
    """The process of an attempt, and when it was asked to stop (monotonic seconds), if it was."""

    training: TrainingRecord
    process: subprocess.Popen[bytes]
    asked: float | None = None


@dataclass
class TrainingJobs:
    """Runs the trainings that are queued in the database, one at a time, for the supervisor `owner`.

    A process that is killed or ends without a result is followed by another, `store.training_writes.RETRIES` times
    without an evaluation in between; then the training fails with the end of its log, `<data_dir>/logs/<id>.log`.
    """

    database_url: str
    data_dir: Path
    owner: str
    command: tuple[str, ...] = JOB_COMMAND
    _job: _Job | None = field(default=None, init=False)
    _not_before: float = field(default=0.0, init=False)

    @property
    def pid(self) -> int | None:
        """The process id of the job that is running, which is also that of its session."""
        return None if self._job is None else self._job.process.pid

    def reconcile(self, store: Store) -> None:
        """Reaps the process that has ended, stops one whose training is to stop, and starts the next.

        Raises StoreUnavailableError and OSError.
        """
        if self._job is not None:
            status = self._job.process.poll()
            if status is None:
                self._stop_if_asked(store, self._job)
                return
            self._reap(store, self._job, status)
            self._job = None
        store.runner.release_lost_trainings()
        if time.monotonic() < self._not_before:
            return
        claimed = store.runner.claim_training(self.owner)
        if claimed is not None:
            self._job = self._start(claimed)

    def terminate(self) -> None:
        """Asks the process to save its checkpoint and end."""
        if self._job is not None:
            terminate_job(self._job.process)

    def stop(self, store: Store) -> None:
        """Ends the process, within SHUTDOWN_SECONDS; its training is queued again."""
        job, self._job = self._job, None
        if job is not None:
            if job.asked is None:
                terminate_job(job.process)
            end_job(job.process, SHUTDOWN_SECONDS)
        with suppress(StoreUnavailableError):  # then it is queued when the heartbeat has expired
            store.runner.release_trainings(self.owner)

    def _stop_if_asked(self, store: Store, job: _Job) -> None:
        """Asks the process to stop where its training is stopping, and kills one that does not."""
        if job.asked is not None:
            if time.monotonic() - job.asked > STOP_SECONDS:
                logger.warning("training %s: process %d does not stop and is killed", job.training.id, job.process.pid)
                kill_session(job.process.pid)
            return
        with suppress(NotFoundError):
            if store.reads.get_training(job.training.id).state == "stopping":
                terminate_job(job.process)
                job.asked = time.monotonic()

    def _start(self, training: TrainingRecord) -> _Job:
        log = log_path(self.data_dir, training.id)
        arguments = ("--attempt", str(training.attempts), "--data-dir", str(self.data_dir))
        process = start_job([*self.command, training.id, *arguments], log, self.database_url, {})
        logger.info("training %s: process %d started, log in %s", training.id, process.pid, log)
        return _Job(training, process)

    def _reap(self, store: Store, job: _Job, status: int) -> None:
        """Cleans up after a process that has ended, and records that it has left no result, if so."""
        training = job.training
        kill_session(job.process.pid)
        close_stdin(job.process)
        logger.info("training %s: process %d ended with status %d", training.id, job.process.pid, status)
        if status in (EXIT_DONE, EXIT_NOT_OURS):
            return
        if status == EXIT_MUST_WAIT:  # the database is away, or an earlier process still saves
            self._not_before = time.monotonic() + WAIT_SECONDS
            store.runner.release_trainings(self.owner)
            return
        how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        with suppress(LeaseLostError):  # it had written its result before
            tail = log_tail(self.data_dir, training.id)
            store.runner.lose_training(training.id, training.attempts, f"the process that trained it {how}", tail)
