"""The supervisor's part in exports: it starts a process for each, one after another, and reaps it.

Exports need no lease: one supervisor claims an export in a transaction, every write of its process names the attempt,
and an export whose supervisor has sent no heartbeat for a while is queued again.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from nas_controller.exports.files import LIMIT_BYTES, attempt_directory
from nas_controller.store import ExportRecord, LeaseLostError, Store, StoreUnavailableError
from nas_controller.supervision.campaign_logs import log_path, log_tail
from nas_controller.supervision.job_process import close_stdin, end_job, start_job, terminate_job
from nas_controller.supervision.process_session import kill_session
from nas_controller.supervision.runner_protocol import EXIT_DONE, EXIT_MUST_WAIT, EXIT_NOT_OURS

MAX_SECONDS = 3_600.0
"""A process that takes longer is killed, so that one that hangs does not block the others."""
SHUTDOWN_SECONDS = 3.0
JOB_COMMAND = (sys.executable, "-m", "nas_controller.supervision.export_job")

logger = logging.getLogger(__name__)


@dataclass
class _Job:
    """The process of an attempt, and when it began (monotonic seconds)."""

    export: ExportRecord
    process: subprocess.Popen[bytes]
    began: float


@dataclass
class ExportJobs:
    """Makes the exports that are queued in the database, one at a time, for the supervisor `owner`.

    A process that is killed, that ends without a result or that takes more than MAX_SECONDS is followed by another,
    once; then the export fails with the end of its log, `<data_dir>/logs/<export id>.log`.
    """

    database_url: str
    data_dir: Path
    owner: str
    limit_bytes: int = LIMIT_BYTES
    command: tuple[str, ...] = JOB_COMMAND
    _job: _Job | None = field(default=None, init=False)

    @property
    def pid(self) -> int | None:
        """The process id of the job that is running, which is also that of its session."""
        return None if self._job is None else self._job.process.pid

    def reconcile(self, store: Store) -> None:
        """Reaps the process that has ended, and starts one for the next export.

        Raises StoreUnavailableError and OSError.
        """
        job = self._job
        if job is not None:
            status = job.process.poll()
            if status is None:
                if time.monotonic() - job.began > MAX_SECONDS:
                    logger.warning("export %s: process %d takes too long and is killed", job.export.id, job.process.pid)
                    kill_session(job.process.pid)
                return
            self._reap(store, job, status)
            self._job = None
        store.runner.release_lost_exports()
        claimed = store.runner.claim_export(self.owner)
        if claimed is not None:
            self._job = self._start(claimed)

    def terminate(self) -> None:
        """Asks the process to end."""
        if self._job is not None:
            close_stdin(self._job.process)
            terminate_job(self._job.process)

    def stop(self, store: Store) -> None:
        """Ends the process, within SHUTDOWN_SECONDS; its export is queued again."""
        self.terminate()
        job, self._job = self._job, None
        if job is not None:
            end_job(job.process, SHUTDOWN_SECONDS)
        with suppress(StoreUnavailableError):  # then it is queued when the heartbeat has expired
            store.runner.release_exports(self.owner)

    def _start(self, export: ExportRecord) -> _Job:
        directory = attempt_directory(self.data_dir, export.id, export.attempts)
        directory.mkdir(parents=True, exist_ok=True)
        log = log_path(self.data_dir, export.id)
        command = [
            *self.command,
            export.id,
            *("--attempt", str(export.attempts), "--data-dir", str(self.data_dir)),
            *("--limit-bytes", str(self.limit_bytes)),
        ]
        process = start_job(command, log, self.database_url, {"TMPDIR": str(directory)})
        logger.info("export %s: process %d started, log in %s", export.id, process.pid, log)
        return _Job(export, process, time.monotonic())

    def _reap(self, store: Store, job: _Job, status: int) -> None:
        """Cleans up after a process that has ended, and records that it has left no result, if so."""
        export = job.export
        kill_session(job.process.pid)
        close_stdin(job.process)
        logger.info("export %s: process %d ended with status %d", export.id, job.process.pid, status)
        if status in (EXIT_DONE, EXIT_NOT_OURS):
            log_path(self.data_dir, export.id).unlink(missing_ok=True)
            return
        if status == EXIT_MUST_WAIT:  # the database was away
            store.runner.release_exports(self.owner)
            return
        how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        error = f"the process that made it {how}"
        with suppress(LeaseLostError):  # it had written its result before
            store.runner.lose_export(export.id, export.attempts, error, log_tail(self.data_dir, export.id))
            shutil.rmtree(attempt_directory(self.data_dir, export.id, export.attempts), ignore_errors=True)
