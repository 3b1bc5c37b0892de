"""The supervisor's part in trainings. The next process continues from the checkpoint of the one before."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from nas_controller.execution.session_directory import remove_session_directory
from nas_controller.store import JobWrites, NotFoundError, Store, TrainingRecord
from nas_controller.supervision.job_process import terminate_job
from nas_controller.supervision.jobs import Job, Jobs, Result

STOP_SECONDS = 120.0
"""A process that is asked to stop has its step or evaluation finished and saved; after so long it is killed."""
JOB_COMMAND = (sys.executable, "-m", "nas_controller.supervision.training_job")


@dataclass
class TrainingJobs(Jobs[TrainingRecord]):
    """Runs trainings on this machine, or on the Ray cluster at `ray_address`."""

    noun = "training"
    shutdown_seconds = 10.0

    command: tuple[str, ...] = JOB_COMMAND
    ray_address: str | None = None

    def _queue(self, store: Store) -> JobWrites[Any, TrainingRecord]:
        return store.runner.training_queue

    def _arguments(self) -> Sequence[str]:
        return () if self.ray_address is None else ("--ray-address", self.ray_address)

    def _watch(self, store: Store, job: Job[TrainingRecord]) -> None:
        """Asks the process to stop where its training is stopping, and kills one that does not."""
        if job.asked is not None:
            if time.monotonic() - job.asked > STOP_SECONDS:
                self._kill(job, "does not stop")
            return
        with suppress(NotFoundError):
            if store.reads.get_training(job.record.id).state == "stopping":
                terminate_job(job.process)
                job.asked = time.monotonic()

    def _clean_up(self, job: Job[TrainingRecord], result: Result) -> None:
        remove_session_directory(job.record.id, job.process.pid)
