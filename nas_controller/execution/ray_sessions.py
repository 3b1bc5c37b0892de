"""A Ray for the trials of one runner: of this machine alone, or a cluster that is there already.

Imported before Ray itself: it sets what Ray reads when it is imported or started.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_worker_niceness", "0")  # at 15, any other work on this machine starves training
os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # a local Ray listens on loopback alone
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # a trial without a GPU share keeps the variables

import ray
from ray.exceptions import RayError

from nas_controller.execution.session_directory import (
    check_room,
    remove_session_folder,
    remove_session_folders,
    session_folder,
)
from nas_controller.execution.worker_resources import ClusterAwayError, Workers

OBJECT_STORE_BYTES = 100 * 2**20
_HEAD_LOST_SECONDS = {"local": 5, "cluster": 15}
_CONNECT_SECONDS = 5.0
_LOOK_SECONDS, _LOOKS_MISSED = 2.0, 3

logger = logging.getLogger(__name__)


@contextmanager
def session(campaign_id: str, workers: Workers, address: str | None, lost_status: int) -> Iterator[Path]:
    """A Ray for the campaign's trials: of this machine alone, or the cluster at `address`; let go of when it ends.

    Yields the folder for the runner's files. Raises NoRoomError like `local_ray`, and ClusterAwayError.
    """
    if address is None:
        with local_ray(workers.parallelism, campaign_id) as folder:
            yield folder
        return
    with cluster(address, campaign_id, lost_status) as folder:
        yield folder


@contextmanager
def cluster(address: str, campaign_id: str, lost_status: int) -> Iterator[Path]:
    """The Ray cluster whose head is at `address` (`host:port`, or `auto` for the one that this machine is a node of).

    This machine must be a node of it (`nas_controller.supervision.cluster_node`). Yields a folder of this machine for
    Tune's files, and ends the process with `lost_status` once the head has not answered for a while. Raises
    ClusterAwayError where the head or this machine's node does not answer, NoRoomError where the disk is full.
    """
    folder = _fresh_folder(campaign_id)
    folder.mkdir()
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", str(_HEAD_LOST_SECONDS["cluster"]))
    _check_head(address)
    try:
        ray.init(address=address, namespace=campaign_id, logging_level=logging.ERROR, log_to_driver=True)
    except (ConnectionError, RayError, RuntimeError, ValueError) as error:
        raise ClusterAwayError(f"the Ray cluster at {address} does not answer: {error}") from error
    watching = threading.Event()
    threading.Thread(target=_watch_head, args=(address, watching, lost_status), name="head-watch", daemon=True).start()
    try:
        yield folder
    finally:
        watching.set()
        _let_go(campaign_id)


def _watch_head(address: str, ending: threading.Event, lost_status: int) -> None:
    """Ends this process once the head has not answered for a while, before Ray does: as one that must wait, and not as
    one that has failed.
    """
    missed = 0
    while not ending.wait(_LOOK_SECONDS):
        try:
            _check_head(address)
            missed = 0
        except ClusterAwayError as error:
            missed += 1
            if missed >= _LOOKS_MISSED:
                logger.warning("%s", error)
                os._exit(lost_status)


def _check_head(address: str) -> None:
    """Raises ClusterAwayError where nothing listens at the head's address: Ray itself would try for two minutes."""
    host, _, port = address.rpartition(":")
    if not host:
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:
        raise ClusterAwayError(f"the head of the Ray cluster at {address} does not answer: {error}") from error


@contextmanager
def local_ray(parallelism: int, campaign_id: str, *, quiet: bool = False) -> Iterator[Path]:
    """A Ray of this process alone, on loopback, with room for `parallelism` trials; gone when the block
    ends.

    What its workers write comes out here too, with what Ray says of one that has died; with `quiet` neither does.

    Yields its folder, which is removed at the end. It lies in a short path in the temporary folder, since
    socket names may not be long; what an earlier process of the same campaign left there is removed. Raises
    NoRoomError where the disk is too full: Ray would only fail to start, slowly.
    """
    folder = _fresh_folder(campaign_id)
    os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", str(_HEAD_LOST_SECONDS["local"]))
    os.environ.setdefault("RAY_health_check_period_ms", "1000")  # a node manager that is gone is missed in 5 s, not 15
    ray.init(
        num_cpus=parallelism,
        num_gpus=None,
        include_dashboard=False,
        object_store_memory=OBJECT_STORE_BYTES,
        logging_level=logging.ERROR,
        log_to_driver=not quiet,
        configure_logging=True,
        _temp_dir=str(folder),
    )
    try:
        with _silent_ray() if quiet else nullcontext():
            yield folder
    finally:
        _let_go(campaign_id)


def _fresh_folder(campaign_id: str) -> Path:
    """Where the folder of this runner is to be; what earlier ones have left is removed. Raises NoRoomError."""
    remove_session_folders(campaign_id)
    folder = session_folder(campaign_id)
    check_room(folder)
    return folder


def _let_go(campaign_id: str) -> None:
    """Ends this process's part in Ray."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one would leave half of it behind
    ray.shutdown()
    remove_session_folder(campaign_id)


@contextmanager
def _silent_ray() -> Iterator[None]:
    """Keeps Ray from printing paragraphs about a worker that has died; it has no setting for them."""
    from ray._private import worker as ray_worker

    printing = ray_worker.print_to_stdstream
    ray_worker.print_to_stdstream = lambda data, ignore_prefix: None
    try:
        yield
    finally:
        ray_worker.print_to_stdstream = printing


def gpus_a_trial(parallelism: int) -> float:
    """An equal share of the GPUs there are: whole ones where there are enough, else a part of one."""
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    share = resources.get("GPU", 0.0) / parallelism
    return float(int(share)) if share >= 1 else int(share * 1000) / 1000
