"""Runs one campaign, in a process of its own: `python -m nas_controller.supervision.runner ID --data-dir DIR`.

The process may be killed at any moment; the next one goes on from the store. It ends by itself when the
campaign is over, stopped or paused, when it loses its lease, on SIGTERM, and when its standard input closes (with
`--watch-stdin`): that is how it notices that the supervisor which holds the other end has died. What it hears there are
allotments (`nas_controller.supervision.fair_shares`), a line each: how many workers it may have.
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
import signal
import socket
import sys
import threading
import uuid
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from nas_controller.campaigns.campaign import Campaign
from nas_controller.execution.session_directory import NoRoomError
from nas_controller.execution.trial_checkpoints import campaign_folder, remove_campaign_folder
from nas_controller.execution.worker_resources import ClusterAwayError, Workers
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.store import ConflictError, Lease, LeaseLostError, NotFoundError, Store, StoreUnavailableError
from nas_controller.supervision.fair_shares import Allotment
from nas_controller.supervision.lease_heartbeat import Heartbeat
from nas_controller.supervision.runner_protocol import (
    DATABASE_URL_VARIABLE,
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_MUST_WAIT,
    EXIT_NOT_OURS,
    LEASE_SECONDS,
)
from search_space.datasets import dataset_path
from search_space.errors import EffspineError, InvalidValueError

logger = logging.getLogger(__name__)


def new_owner() -> str:
    """A name for a runner's lease that no other runner has: host, process and a random part."""
    return f"{socket.gethostname()[:64]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


@dataclass
class Machine:
    """Where trials run: on this machine, or on the Ray cluster at `ray_address`; and how much of it this campaign has,
    None for all that it asks for. Another thread may change the allotment at any time.
    """

    ray_address: str | None = None
    allotment: Allotment | None = None


def run(
    campaign_id: str,
    store: Store,
    data_dir: Path,
    owner: str,
    lease_seconds: float = LEASE_SECONDS,
    machine: Machine | None = None,
) -> int:
    """Runs the campaign until it is over, stopped or lost, and returns an exit status."""
    try:
        lease = store.runner.claim(campaign_id, owner, lease_seconds, _facts())
    except (ConflictError, NotFoundError) as error:
        logger.warning("%s", error)
        return EXIT_NOT_OURS
    try:
        with Heartbeat(store, lease) as heartbeat:
            campaign = Campaign(store, lease, lambda: heartbeat.draining, lambda: heartbeat.spec)
            state = campaign.record.state
            if state == "stopping":
                campaign.end("stopped")
            elif state == "running" and not campaign.over:
                _train(campaign, data_dir, heartbeat, machine or Machine())
            paused = _let_go(campaign, store, lease, heartbeat, state == "pausing")
            if campaign.over:
                remove_campaign_folder(data_dir, campaign_id)
            return EXIT_DONE if campaign.over or paused else EXIT_NOT_OURS
    except LeaseLostError as error:
        logger.warning("%s", error)
        return EXIT_NOT_OURS
    finally:
        store.runner.release(campaign_id, owner)


def _let_go(campaign: Campaign, store: Store, lease: Lease, heartbeat: Heartbeat, was_pausing: bool) -> bool:
    """Does what the store has asked for, now that nothing trains any more. Returns whether that was to pause."""
    if campaign.over or heartbeat.lost:
        return False
    if heartbeat.stop_requested:
        campaign.end("stopped")
    elif heartbeat.out_of_time:
        campaign.end("completed", because="wall_seconds")
    elif was_pausing or heartbeat.pause is not None:
        store.runner.pause_campaign(lease)
        return True
    return False


def _train(campaign: Campaign, data_dir: Path, heartbeat: Heartbeat, machine: Machine) -> None:
    from nas_controller.execution import ray_sessions, tune_runner
    from nas_controller.execution.worker import Job

    spec = campaign.spec
    task = spec.proxy_task.resolve()
    try:
        dataset_dir = None if spec.dataset is None else dataset_path(data_dir, spec.dataset)
    except InvalidValueError as error:
        campaign.end("failed", str(error))
        return
    checkpoints = campaign_folder(data_dir, campaign.record.id)
    pool = spec.search_space.build().start_pool() if task.start_steps else ()
    record = campaign.record
    logger.info(
        "campaign %s (%s): %d of %d trials finished; profile %s, data set %s, seed %d",
        *(record.id, record.name, record.trials_finished, spec.trials),
        *(spec.proxy_task.profile, spec.dataset or "-", spec.seed),
    )

    def workers() -> Workers:
        return _workers(heartbeat.spec or campaign.spec, machine)

    while not (campaign.over or campaign.draining or heartbeat.must_end):
        now = workers()
        job = Job(task, campaign.base, dataset_dir, data_dir / "cache", spec.seed, now.threads, checkpoints, pool)
        logger.info("workers %d, threads a worker %d", now.parallelism, now.threads)
        with ray_sessions.session(campaign.record.id, now, machine.ray_address, EXIT_MUST_WAIT) as folder:
            signal.signal(signal.SIGTERM, _end_on_signal)  # Ray has put a handler of its own there
            elastic = machine.ray_address is not None
            try:
                tune_runner.run_campaign(campaign, job, lambda: heartbeat.must_end, folder, workers, elastic=elastic)
            except SystemExit:
                heartbeat.give_up()  # Ray takes seconds to end, and where its head is gone may end this process
                raise


def _workers(spec: CampaignSpec, machine: Machine) -> Workers:
    """What the campaign may use now: what it asks for, or less where others have a share."""
    allotted, wanted = machine.allotment, spec.resources
    parallelism = spec.parallelism if allotted is None else min(spec.parallelism, allotted.parallelism)
    if machine.ray_address is not None:
        threads = wanted.cpus or 1
    elif wanted.cpus is not None:
        threads = wanted.cpus
    elif allotted is not None:
        threads = allotted.threads
    else:
        threads = max(1, len(os.sched_getaffinity(0)) // parallelism)
    return Workers(parallelism, threads, wanted.gpus, wanted.tpus, spec.trial_timeout_seconds)


def _facts() -> dict[str, Any]:
    """What the campaign runs on, for whoever replays it elsewhere."""
    try:
        own_version = version("effspine")
    except PackageNotFoundError:
        own_version = "unknown"
    return {
        "effspine": own_version,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "machine": platform.machine(),
    }


def _end_on_signal(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _watch_stdin(machine: Machine) -> None:
    """Takes allotments from standard input, and ends this process when the other end closes."""
    with open(0, "rb", buffering=0, closefd=False) as lines:
        for line in lines:
            machine.allotment = Allotment.from_line(line)
    logger.info("the supervisor has let go; ending")
    os.kill(os.getpid(), signal.SIGTERM)
    # A signal waits for the main thread, which may be deep in native code: do not wait for ever.
    threading.Event().wait(15.0)
    os._exit(128 + signal.SIGTERM)


def main(arguments: list[str] | None = None) -> int:
    """Parses the command line and runs the campaign. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="nas_controller.supervision.runner", description="Runs one campaign.")
    parser.add_argument("campaign_id")
    # Not for the workers' environment, which is this one.
    from_environment = os.environ.pop(DATABASE_URL_VARIABLE, None)
    parser.add_argument("--database-url", default=from_environment, required=from_environment is None)
    parser.add_argument("--data-dir", required=True, type=Path)
    parser.add_argument("--owner", default=None)
    parser.add_argument("--lease-seconds", type=float, default=LEASE_SECONDS)
    parser.add_argument("--ray-address", default=None)
    parser.add_argument("--allotment", default=None, type=str.encode)
    parser.add_argument("--watch-stdin", action="store_true")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    signal.signal(signal.SIGTERM, _end_on_signal)
    machine = Machine(options.ray_address, options.allotment and Allotment.from_line(options.allotment))
    if options.watch_stdin:
        threading.Thread(target=_watch_stdin, args=(machine,), name="watch-stdin", daemon=True).start()
    owner = options.owner or new_owner()
    try:
        store = Store.open(options.database_url)
        return run(options.campaign_id, store, options.data_dir, owner, options.lease_seconds, machine)
    except (StoreUnavailableError, NoRoomError, ClusterAwayError) as error:
        logger.warning("%s", error)
        return EXIT_MUST_WAIT
    except EffspineError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main())
