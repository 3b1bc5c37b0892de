"""Starts a local Ray for the trials of one process, or connects it to a cluster."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from nas_controller.execution import ray_environment  # isort: skip
import ray
from ray.exceptions import RayError

from nas_controller.execution.executor import ClusterUnavailableError
from nas_controller.execution.ray_output import redirected
from nas_controller.execution.session_directory import (
    check_free_space,
    remove_session_directories,
    remove_session_directory,
    session_directory,
)

__all__ = ["cluster", "local_ray", "ray_environment", "resources"]

OBJECT_STORE_BYTES = 100 * 2**20
_HEAD_LOST_SECONDS = {"local": 5, "cluster": 15}
_CONNECT_SECONDS = 5.0
_CHECK_SECONDS, _MAX_FAILED_CHECKS = 2.0, 3

logger = logging.getLogger(__name__)


@contextmanager
def local_ray(parallelism: int, name: str, *, log: Path | None = None) -> Iterator[Path]:
    """A local Ray of this process, on loopback, for `parallelism` trials; stopped when the block ends.

    The output of Ray and its workers goes to `log`, or without it to the output of this process. Yields the session
    directory, which is removed at the end; directories of earlier processes of the same `name` are removed first.
    Raises DiskFullError if the disk is too full, since Ray would take long to fail.
    """
    directory = _new_directory(name)
    os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", str(_HEAD_LOST_SECONDS["local"]))
    os.environ.setdefault("RAY_health_check_period_ms", "1000")  # a dead node manager is noticed in 5 s, not 15

    def start() -> None:
        ray.init(
            address="local",  # without it, Ray would connect to the cluster that RAY_ADDRESS names
            namespace=name,
            num_cpus=parallelism,
            num_gpus=None,
            include_dashboard=False,
            object_store_memory=OBJECT_STORE_BYTES,
            logging_level=logging.ERROR,
            log_to_driver=True,
            configure_logging=True,
            _temp_dir=str(directory),
        )

    with nullcontext() if log is None else redirected(log), _started(start, name):
        yield directory


@contextmanager
def cluster(address: str, name: str, lost_status: int) -> Iterator[Path]:
    """The Ray cluster whose head is at `address` (`host:port`, or `auto` for the one that this machine is a node of).

    This machine must be a node of it (`nas_controller.supervision.cluster_node`). Yields a local directory for Tune's
    files, and exits the process with `lost_status` once the head has not responded for a while. Raises
    ClusterUnavailableError if the head or this machine's node does not respond, DiskFullError if the disk is full.
    """
    directory = _new_directory(name)
    directory.mkdir()
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", str(_HEAD_LOST_SECONDS["cluster"]))
    _check_head(address)

    def start() -> None:
        try:
            ray.init(address=address, namespace=name, logging_level=logging.ERROR, log_to_driver=True)
        except (ConnectionError, RayError, RuntimeError, ValueError) as error:
            raise ClusterUnavailableError(f"the Ray cluster at {address} does not respond: {error}") from error

    with _started(start, name):
        ended = threading.Event()
        threading.Thread(target=_watch_head, args=(address, ended, lost_status), name="head-watch", daemon=True).start()
        try:
            yield directory
        finally:
            ended.set()


@contextmanager
def _started(start: Callable[[], None], name: str) -> Iterator[None]:
    """Runs `start`, and shuts Ray down when the block ends.

    Ray replaces the handler of SIGTERM; the handler of this process is restored after the start and again at the end.
    After SystemExit the signal stays ignored, since this process is ending.
    """
    own_handler = signal.getsignal(signal.SIGTERM)
    exits = False
    try:
        start()
        if callable(own_handler):
            _handle_sigterm(own_handler)
        yield
    except SystemExit:
        exits = True
        raise
    finally:
        _handle_sigterm(signal.SIG_IGN)  # a second signal would interrupt the shutdown
        ray.shutdown()
        remove_session_directory(name)
        if not exits:
            _handle_sigterm(own_handler)


def _handle_sigterm(handler: Any) -> None:
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler or signal.SIG_DFL)


def resources() -> dict[str, float]:
    """The resources of the local Ray or of the cluster, by Ray's names."""
    amounts: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return amounts


def _watch_head(address: str, ended: threading.Event, lost_status: int) -> None:
    """Exits this process once the head has not responded for a while.

    Ray would end it later, with a status that means failure instead of `lost_status`.
    """
    failed = 0
    while not ended.wait(_CHECK_SECONDS):
        try:
            _check_head(address)
            failed = 0
        except ClusterUnavailableError as error:
            failed += 1
            if failed >= _MAX_FAILED_CHECKS:
                logger.warning("%s", error)
                os._exit(lost_status)


def _check_head(address: str) -> None:
    """Raises ClusterUnavailableError if nothing listens at the head's address: Ray would try for two minutes."""
    host, _, port = address.rpartition(":")
    if not host:
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:
        raise ClusterUnavailableError(f"the head of the Ray cluster at {address} does not respond: {error}") from error


def _new_directory(name: str) -> Path:
    """The path of this process's session directory; removes those of earlier processes. Raises DiskFullError."""
    remove_session_directories(name)
    directory = session_directory(name)
    check_free_space(directory)
    return directory
