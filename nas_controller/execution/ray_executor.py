"""Runs trials with Ray, on this machine or on a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from nas_controller.execution import ray_sessions
from nas_controller.execution.executor import Session, Workers


class RayExecutor:
    """Runs the trials of the campaign or check `name` on a local Ray, or on the cluster whose head is at `address`.

    With a cluster, this process exits with `lost_status` once its head has not responded for a while. The output of Ray
    and its workers goes to `log`, or without it to the output of this process.
    """

    def __init__(self, name: str, address: str | None = None, *, lost_status: int = 1, log: Path | None = None) -> None:
        self._name = name
        self._address = address
        self._lost_status = lost_status
        self._log = log

    @contextmanager
    def session(self, workers: Workers) -> Iterator[Session]:
        """Starts a local Ray with a CPU for each worker, or connects to the cluster."""
        session: AbstractContextManager[Path]
        if self._address is None:
            session = ray_sessions.local_ray(workers.parallelism, self._name, log=self._log)
        else:
            session = ray_sessions.cluster(self._address, self._name, self._lost_status)
        with session as directory:
            from nas_controller.execution.tune_session import TuneSession  # slow, while Ray starts the workers

            yield TuneSession(workers, directory, elastic=self._address is not None)
