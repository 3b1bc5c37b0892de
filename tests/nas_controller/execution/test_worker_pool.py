from __future__ import annotations

import pytest

from nas_controller.execution.executor import Workers
from nas_controller.execution.worker_pool import WorkerPool


@pytest.mark.parametrize(
    ("workers", "elastic", "at_once"),
    [
        (Workers(2, threads=4), False, True),
        (Workers(2, threads=1), True, False),
        (Workers(4, threads=1, gpus=0.5), False, True),
        (Workers(3, threads=1, gpus=1), False, False),  # two GPUs: the third trial waits
        (Workers(3, threads=1), False, True),  # equal shares of the GPUs
        (Workers(2, threads=1, gpus=0, tpus=1), False, False),
    ],
)
def test_trials_start_at_once_where_the_machine_has_the_resources_of_all(
    workers: Workers, elastic: bool, at_once: bool
) -> None:
    available = {"CPU": float(workers.parallelism), "GPU": 2.0, "TPU": 1.0}
    assert WorkerPool(workers, lambda: workers, lambda: available, elastic).starts_at_once() == at_once
