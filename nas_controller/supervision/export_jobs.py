"""The supervisor's part in exports."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nas_controller.exports.files import LIMIT_BYTES, attempt_directory
from nas_controller.store import ExportRecord, JobWrites, Store
from nas_controller.supervision.campaign_logs import log_path
from nas_controller.supervision.jobs import Job, Jobs, Result

MAX_SECONDS = 3_600.0
"""A process that takes longer is killed, so that one that hangs does not block the others."""
JOB_COMMAND = (sys.executable, "-m", "nas_controller.supervision.export_job")


@dataclass
class ExportJobs(Jobs[ExportRecord]):
    """Makes exports, one at a time; their files take at most `limit_bytes`."""

    noun = "export"
    shutdown_seconds = 3.0

    command: tuple[str, ...] = JOB_COMMAND
    limit_bytes: int = LIMIT_BYTES

    def _queue(self, store: Store) -> JobWrites[Any, ExportRecord]:
        return store.runner.export_queue

    def _arguments(self) -> Sequence[str]:
        return ("--limit-bytes", str(self.limit_bytes))

    def _environment(self, record: ExportRecord) -> dict[str, str]:
        """Temporary files go to the directory of the attempt, which is made."""
        directory = attempt_directory(self.data_dir, record.id, record.attempts)
        directory.mkdir(parents=True, exist_ok=True)
        return {"TMPDIR": str(directory)}

    def _watch(self, store: Store, job: Job[ExportRecord]) -> None:
        if time.monotonic() - job.began > MAX_SECONDS:
            self._kill(job, "takes too long")

    def _clean_up(self, job: Job[ExportRecord], result: Result) -> None:
        """The log of an export that is made or has failed with a reason is not needed, nor the files of a lost one."""
        if result == "done":
            log_path(self.data_dir, job.record.id).unlink(missing_ok=True)
        elif result == "lost":
            shutil.rmtree(attempt_directory(self.data_dir, job.record.id, job.record.attempts), ignore_errors=True)
