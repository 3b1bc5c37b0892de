"""The supervisor's part in jobs, such as exports and trainings: it starts a process for each, watches it and reaps it.

What a job has done is in the database and in its files, so a process may be killed at any moment, and the supervisor
too (`nas_controller.store.jobs`).
"""

from __future__ import annotations

import logging
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, TypeVar

from nas_controller.store import (
    ExportRecord,
    JobWrites,
    LeaseLostError,
    Store,
    StoreUnavailableError,
    TrainingRecord,
)
from nas_controller.supervision.campaign_logs import log_path, log_tail
from nas_controller.supervision.job_process import close_stdin, end_job, start_job, terminate_job
from nas_controller.supervision.process_session import kill_session
from nas_controller.supervision.runner_protocol import EXIT_DONE, EXIT_MUST_WAIT, EXIT_NOT_OURS

WAIT_SECONDS = 2.0
MAX_WAIT_SECONDS = 60.0

logger = logging.getLogger(__name__)


Record = TypeVar("Record", bound=ExportRecord | TrainingRecord)

Result = Literal["done", "lost", "unknown"]
"""Whether a process has written its result: it has, it has not, or nobody knows."""


@dataclass
class Job(Generic[Record]):
    """The process of an attempt, when it began, and when it was asked to stop, if it was (monotonic seconds)."""

    record: Record
    process: subprocess.Popen[bytes]
    began: float
    asked: float | None = None


@dataclass
class Jobs(ABC, Generic[Record]):
    """Does the jobs of one kind that are queued in the database, `at_once` of them, for the supervisor `owner`.

    A process that is killed or ends without a result is followed by another, as often as the store allows; then the job
    fails with the end of its log, `<data_dir>/logs/<id>.log`. Whoever ends with EXIT_MUST_WAIT, or while `is_stable` is
    false, has not failed, and is followed by another after WAIT_SECONDS. A job whose process cannot be started goes to
    the end of the queue; the wait doubles with every such failure in succession, up to MAX_WAIT_SECONDS.
    """

    noun: ClassVar[str]
    shutdown_seconds: ClassVar[float]

    database_url: str
    data_dir: Path
    owner: str
    command: tuple[str, ...]
    at_once: int = 1
    is_stable: Callable[[], bool] = lambda: True
    _jobs: list[Job[Record]] = field(default_factory=list, init=False)
    _not_started: list[Record] = field(default_factory=list, init=False)
    _not_before: float = field(default=0.0, init=False)
    _failed_starts: int = field(default=0, init=False)

    @property
    def pids(self) -> list[int]:
        """The process ids of the jobs that are running, which are also those of their sessions."""
        return [job.process.pid for job in self._jobs]

    def reconcile(self, store: Store) -> None:
        """Reaps the processes that have ended, and starts one for each of the next jobs. A job whose process cannot be
        started is queued again at the next call.

        Raises StoreUnavailableError, and OSError where a process cannot be started.
        """
        queue = self._queue(store)
        while self._not_started:
            with suppress(LeaseLostError):
                queue.requeue(self._not_started[-1].id, self._not_started[-1].attempts, last=True)
            self._not_started.pop()
        for job in list(self._jobs):
            status = job.process.poll()
            if status is None:
                self._watch(store, job)
            else:
                self._reap(queue, job, status)
                self._jobs.remove(job)
        queue.release_lost()
        while len(self._jobs) < self.at_once and time.monotonic() >= self._not_before:
            claimed = queue.claim(self.owner)
            if claimed is None:
                return
            try:
                self._jobs.append(self._start(claimed))
            except OSError:
                self._not_started.append(claimed)
                self._not_before = time.monotonic() + min(WAIT_SECONDS * 2**self._failed_starts, MAX_WAIT_SECONDS)
                self._failed_starts += 1
                raise
            self._failed_starts = 0

    def terminate(self) -> None:
        """Asks the processes to end."""
        for job in self._jobs:
            terminate_job(job.process)

    def stop(self, store: Store) -> None:
        """Ends the processes, within `shutdown_seconds`; their jobs are queued again."""
        self.terminate()
        deadline = time.monotonic() + self.shutdown_seconds
        while self._jobs:
            job = self._jobs.pop()
            end_job(job.process, deadline - time.monotonic())
            self._clean_up(job, "unknown")
        with suppress(StoreUnavailableError):  # then they are queued when the heartbeat has expired
            self._queue(store).release(self.owner)

    def _start(self, record: Record) -> Job[Record]:
        log = log_path(self.data_dir, record.id)
        arguments = ("--attempt", str(record.attempts), "--data-dir", str(self.data_dir), *self._arguments())
        process = start_job([*self.command, record.id, *arguments], log, self.database_url, self._environment(record))
        logger.info("%s %s: process %d started, log in %s", self.noun, record.id, process.pid, log)
        return Job(record, process, time.monotonic())

    def _reap(self, queue: JobWrites[Any, Record], job: Job[Record], status: int) -> None:
        """Cleans up after a process that has ended, and records that it has left no result, if so."""
        record = job.record
        kill_session(job.process.pid)
        close_stdin(job.process)
        logger.info("%s %s: process %d ended with status %d", self.noun, record.id, job.process.pid, status)
        result: Result = "done" if status in (EXIT_DONE, EXIT_NOT_OURS) else "unknown"
        if result == "unknown":
            with suppress(LeaseLostError):  # it had written its result before
                if status == EXIT_MUST_WAIT or not self.is_stable():
                    self._not_before = time.monotonic() + WAIT_SECONDS
                    queue.requeue(record.id, record.attempts)
                else:
                    how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
                    queue.lose(record.id, record.attempts, f"its process {how}", log_tail(self.data_dir, record.id))
                    result = "lost"
        self._clean_up(job, result)

    def _kill(self, job: Job[Record], why: str) -> None:
        logger.warning("%s %s: process %d %s and is killed", self.noun, job.record.id, job.process.pid, why)
        kill_session(job.process.pid)

    @abstractmethod
    def _queue(self, store: Store) -> JobWrites[Any, Record]:
        """The operations of the store."""

    def _arguments(self) -> Sequence[str]:
        """Further arguments of the command."""
        return ()

    def _environment(self, record: Record) -> dict[str, str]:
        """Further environment variables of the process of a job."""
        return {}

    def _watch(self, store: Store, job: Job[Record]) -> None:
        """Stops a process, if it must."""

    def _clean_up(self, job: Job[Record], result: Result) -> None:
        """Removes what the ended process of a job leaves behind."""
