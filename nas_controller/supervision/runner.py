"""Runs one campaign in a process: `python -m nas_controller.supervision.runner ID --data-dir DIR`.

The process may be killed at any moment; the next one continues from the database. It ends when the campaign is finished
or paused, when it loses its lease, on SIGTERM, and, with `--watch-stdin`, when its standard input closes because its
supervisor has died. The supervisor sends allotments there, one per line (`nas_controller.supervision.fair_shares`).
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
import signal
import socket
import sys
import uuid
from contextlib import suppress
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from nas_controller.campaigns.campaign import Campaign
from nas_controller.campaigns.campaign_errors import CampaignWaitsError
from nas_controller.execution.executor import ClusterUnavailableError, Executor
from nas_controller.execution.session_directory import DiskFullError
from nas_controller.execution.trial_checkpoints import remove_campaign_directory
from nas_controller.store import ConflictError, Lease, LeaseLostError, NotFoundError, Store, StoreUnavailableError
from nas_controller.supervision.data_availability import may_wait_for, still_waits
from nas_controller.supervision.fair_shares import Allotment
from nas_controller.supervision.lease_heartbeat import Heartbeat
from nas_controller.supervision.phases import Machine, run_phases
from nas_controller.supervision.runner_protocol import (
    DATABASE_URL_VARIABLE,
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_MUST_WAIT,
    EXIT_NOT_OURS,
    EXIT_WAITS,
    LEASE_SECONDS,
)
from nas_controller.supervision.stdin_watch import watch_stdin
from search_space.errors import EffspineError
from search_space.source_commit import source_commit

logger = logging.getLogger(__name__)


def new_owner() -> str:
    """A unique name for a runner's lease: host, process and a random part."""
    return f"{socket.gethostname()[:64]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def run(
    campaign_id: str,
    store: Store,
    data_dir: Path,
    owner: str,
    lease_seconds: float = LEASE_SECONDS,
    machine: Machine | None = None,
) -> int:
    """Runs the campaign until it is finished, paused, waiting or lost, and returns an exit status."""
    try:
        record = store.reads.get_campaign(campaign_id)
        if still_waits(record, data_dir) and not store.runner.is_out_of_time(record):
            return EXIT_WAITS
        lease = store.runner.claim(campaign_id, owner, lease_seconds, _environment())
    except (ConflictError, NotFoundError) as error:
        logger.warning("%s", error)
        return EXIT_NOT_OURS
    waits: CampaignWaitsError | None = None
    try:
        with Heartbeat(store, lease) as heartbeat:
            may_wait = partial(may_wait_for, store.reads.get_campaign, campaign_id, data_dir)
            campaign = Campaign(store, lease, lambda: heartbeat.draining, lambda: heartbeat.spec, may_wait)
            state = campaign.record.state
            if state == "stopping":
                campaign.end("stopped")
            elif state == "running" and not campaign.ended:
                try:
                    run_phases(store, lease, campaign, data_dir, heartbeat, machine or Machine(), may_wait)
                except CampaignWaitsError as error:
                    waits = error
            paused = _apply_requests(campaign, store, lease, heartbeat, state == "pausing")
            if waits is not None and not paused and store.runner.is_out_of_time(store.reads.get_campaign(campaign_id)):
                campaign.end("completed", because="wall_seconds")
            if campaign.ended:
                remove_campaign_directory(data_dir, campaign_id)
            if waits is not None and not (campaign.ended or paused or heartbeat.lost):
                logger.warning("campaign %s waits: %s", campaign_id, waits)
                store.runner.wait(lease, str(waits), waits.kind)
                return EXIT_WAITS
            return EXIT_DONE if campaign.ended or paused else EXIT_NOT_OURS
    except LeaseLostError as error:
        logger.warning("%s", error)
        return EXIT_NOT_OURS
    finally:
        store.runner.release(campaign_id, owner)


def _apply_requests(campaign: Campaign, store: Store, lease: Lease, heartbeat: Heartbeat, was_pausing: bool) -> bool:
    """Stops, completes or pauses the campaign as requested, after its training has ended; whether it was paused."""
    if campaign.ended or heartbeat.lost:
        return False
    if heartbeat.stop_requested:
        campaign.end("stopped")
    elif heartbeat.out_of_time and not campaign.over:
        campaign.end("completed", because="wall_seconds")
    elif was_pausing or heartbeat.pause is not None:
        store.runner.pause_campaign(lease)
        return True
    return False


def _environment() -> dict[str, Any]:
    """Versions and machine of this runner, to explain a replay that differs on another machine."""
    found = {"python": platform.python_version(), "numpy": np.__version__, "machine": platform.machine()}
    for name in ("effspine", "tensorflow", "optuna"):
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    if (commit := source_commit()) is not None:
        found["commit"] = commit
    return found


def _end_on_signal(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main(arguments: list[str] | None = None, executor: Executor | None = None) -> int:
    """Parses the command line and runs the campaign, in `executor` instead of Ray if it is given.

    Returns the exit status.
    """
    parser = argparse.ArgumentParser(prog="nas_controller.supervision.runner", description="Runs one campaign.")
    parser.add_argument("campaign_id")
    # Removed, since workers inherit this environment.
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
    machine = Machine(options.ray_address, options.allotment and Allotment.from_line(options.allotment), executor)
    if options.watch_stdin:
        watch_stdin(machine.receive)
    owner = options.owner or new_owner()
    try:
        store = Store.open(options.database_url)
        return run(options.campaign_id, store, options.data_dir, owner, options.lease_seconds, machine)
    except (StoreUnavailableError, DiskFullError, ClusterUnavailableError) as error:
        logger.warning("%s", error)
        return EXIT_MUST_WAIT
    except EffspineError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main())
