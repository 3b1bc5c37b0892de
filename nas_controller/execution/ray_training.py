"""Trains one network on a Ray worker, on this machine or on a node of a cluster.

The worker writes checkpoints, history and models to the directory of the run, which this process reads too: on a
cluster the data directory is shared. Only progress comes back through Ray.
"""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nas_controller.execution import ray_environment  # isort: skip
import ray
from ray.exceptions import OutOfMemoryError, RayActorError

from nas_controller.execution import ray_sessions
from nas_controller.execution.executor import Workers
from nas_controller.execution.network_training import (
    NetworkProgress,
    NetworkTraining,
    Result,
    WorkerDiedError,
    train_network,
)
from nas_controller.execution.worker_log import AttemptLog
from nas_controller.execution.worker_pool import WorkerPool
from search_space.errors import EffspineError, InvalidValueError

__all__ = ["Placement", "ray_environment", "train_with_ray"]

POLL_SECONDS = 0.5
PREDECESSOR_SECONDS = 70.0
"""How long a worker waits for an earlier one that still trains or saves in its directory."""
LOCK_FILE = ".lock"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Placement:
    """Where a training runs: `name` is that of its Ray session, `address` the head of a cluster, None this machine.

    This process exits with `lost_status` once the head of a cluster has not responded for a while.
    """

    name: str
    workers: Workers
    address: str | None
    lost_status: int


def train_with_ray(
    work: NetworkTraining,
    placement: Placement,
    begin: Callable[[], None],
    report: Callable[[NetworkProgress], None],
    is_stopped: Callable[[], bool],
) -> Result:
    """Trains on a worker to the end, or until `is_stopped`; then the worker has saved its checkpoint.

    `begin` is called once the worker has its resources. `report` gets every evaluation and, now and then, the newest
    progress; an exception of it ends the worker as a kill would. Raises WorkerDiedError, EffspineError for what cannot
    be trained here, ClusterUnavailableError or DiskFullError where Ray cannot be started, and RayTaskError with the
    error of a trainer that fails unexpectedly.
    """
    with _session(placement):
        resources = _reserved(placement)
        logger.info("waits for a worker with %s", resources)
        trainer: Any = ray.remote(NetworkTrainer).options(max_concurrency=2, **resources).remote()
        try:
            if not _has_begun(trainer, is_stopped):
                return "stopped"
            begin()
            result = trainer.train.remote(replace(work, threads=placement.workers.threads))
            return _follow(trainer, result, report, is_stopped)
        except (RayActorError, OutOfMemoryError) as error:
            raise WorkerDiedError(f"the worker that trained it died: {_cause(str(error))}") from error


def _session(placement: Placement) -> Any:
    if placement.address is None:
        return ray_sessions.local_ray(1, placement.name)
    return ray_sessions.cluster(placement.address, placement.name, placement.lost_status)


def _reserved(placement: Placement) -> dict[str, Any]:
    """The options of the worker. Raises InvalidValueError where this machine lacks a resource."""
    workers, is_cluster = placement.workers, placement.address is not None
    if workers.gpus is None and workers.tpus:
        workers = replace(workers, gpus=0.0)
    elif workers.gpus is None and is_cluster:
        workers = replace(workers, gpus=min(1.0, ray_sessions.resources().get("GPU", 0.0)))
    pool = WorkerPool(workers, lambda: workers, ray_sessions.resources, elastic=is_cluster)
    if (missing := pool.missing()) is not None:
        raise InvalidValueError(missing, field="resources")
    wanted = pool.trial_resources()
    others = {name: amount for name, amount in wanted.items() if name not in ("CPU", "GPU")}
    return {"num_cpus": wanted.get("CPU", 0), "num_gpus": wanted.get("GPU", 0), "resources": others}


def _has_begun(trainer: Any, is_stopped: Callable[[], bool]) -> bool:
    """Waits until the worker runs, for which a cluster may have to grow; false if it is stopped before."""
    place = trainer.place.remote()
    while not ray.wait([place], timeout=POLL_SECONDS)[0]:
        if is_stopped():
            return False
    logger.info("trains in %s", ray.get(place))
    return True


def _follow(
    trainer: Any, result: Any, report: Callable[[NetworkProgress], None], is_stopped: Callable[[], bool]
) -> Result:
    """Reports progress until the worker has ended."""
    is_asked = False
    while True:
        ready, _ = ray.wait([result], timeout=POLL_SECONDS)
        for progress in ray.get(trainer.unread.remote()):
            report(progress)
        if ready:
            outcome: Result | EffspineError = ray.get(result)
            if isinstance(outcome, EffspineError):
                raise outcome
            return outcome
        if is_stopped() and not is_asked:
            trainer.stop.remote()
            is_asked = True


def _cause(reported: str) -> str:
    """Why a worker died, from the message of Ray."""
    if "node has died" in reported or "node was terminated" in reported:
        return "its node left the cluster"
    return AttemptLog(None, None, False).death(reported).cause


class NetworkTrainer:
    """The Ray actor that trains in one thread and answers in another."""

    def __init__(self) -> None:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._progress: list[NetworkProgress] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def train(self, work: NetworkTraining) -> Result | EffspineError:
        """Trains; the error of a training that every other attempt would have too is its result."""
        try:
            _check_visible(work.out.parent)
            with _alone_in(work.out.parent, self._stop) as is_alone:
                if not is_alone:
                    return "busy"
                return train_network(work, self._report, self._stop.is_set)
        except (EffspineError, OSError) as error:
            logger.exception("the training failed")
            return EffspineError(str(error))  # the class of the error may not survive the way back

    def place(self) -> str:
        """The process and the host that it runs on."""
        return f"process {os.getpid()} on {socket.gethostname()}"

    def unread(self) -> list[NetworkProgress]:
        """The newest progress, and that of each evaluation, since the last call."""
        with self._lock:
            unread, self._progress = self._progress, []
        return unread

    def stop(self) -> None:
        """Ends the training after its step, with a checkpoint."""
        self._stop.set()

    def _report(self, progress: NetworkProgress) -> None:
        with self._lock:
            if self._progress and self._progress[-1].last_step == progress.last_step:
                self._progress.pop()
            self._progress.append(progress)


def _check_visible(directory: Path) -> None:
    """Raises InvalidValueError where this node does not see the directory that the service has made."""
    if not directory.is_dir():
        raise InvalidValueError(
            f"{directory} is not there on the node {socket.gethostname()}; every node of the cluster needs the data "
            "directory of the service under the same path, such as by a network file system"
        )


@contextmanager
def _alone_in(directory: Path, stop: threading.Event) -> Iterator[bool]:
    """Whether this worker is the only one that trains in a directory, for which it waits; it is so in the block."""
    end = time.monotonic() + PREDECESSOR_SECONDS
    with (directory / LOCK_FILE).open("ab") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if stop.is_set() or time.monotonic() > end:
                    break
                time.sleep(0.2)
            else:
                yield True
                return
    yield False
