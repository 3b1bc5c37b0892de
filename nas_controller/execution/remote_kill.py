"""Kills worker processes on any node of a Ray cluster."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from nas_controller.execution.trial_worker import WorkerId


def kill_worker(worker: WorkerId) -> None:
    """Asks a worker's node to kill its process; one that has ended is ignored."""
    node = NodeAffinitySchedulingStrategy(worker.node, soft=False)
    _kill.options(scheduling_strategy=node).remote(worker.pid)


@ray.remote(num_cpus=0, max_retries=0)
def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
