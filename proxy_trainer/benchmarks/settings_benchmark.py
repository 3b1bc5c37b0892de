"""Compares the steady step of the engine under several settings (`effspine bench settings`).

Each setting runs in a fresh process, because TensorFlow reads most settings once, when it starts. Every round runs all
settings, and ratios are taken within a round, so that other load on the machine affects all alike.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from typing import Any, Protocol

from proxy_trainer.benchmarks.fresh_process import run_in_fresh_processes
from search_space.proxy_task import Precision, ProxyTask
from search_space.published import EFF_SPINENET_D0

WARM_UP_STEPS = 4
STEPS = 12


class Barrier(Protocol):
    """Synchronises processes."""

    def wait(self) -> int:
        """Blocks until all processes have called it. Raises BrokenBarrierError once one has called `abort`."""
        ...

    def abort(self) -> None:
        """Makes `wait` raise in all processes."""
        ...


@dataclass(frozen=True)
class Setting:
    """One way to run the step: `threads` operations at once, each on up to `intra_op_threads` threads.

    `processes` such processes run at the same time. `environment` is read by TensorFlow and the C library at start.
    """

    name: str
    threads: int
    intra_op_threads: int = 1
    processes: int = 1
    precision: Precision = "float32"
    environment: dict[str, str] = field(default_factory=dict)


def settings(threads: int) -> list[Setting]:
    """The settings to compare on `threads` threads; the first is the one in use."""
    return [
        Setting("in use: each thread runs its own operations", threads),
        Setting("all threads share one operation at a time", 1, threads),
        Setting("each thread runs operations that all threads share", threads, threads),
        Setting("one thread", 1),
        Setting("one process for each thread", 1, processes=threads),
        Setting("without oneDNN", threads, environment={"TF_ENABLE_ONEDNN_OPTS": "0"}),
        Setting("memory in huge pages", threads, environment={"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}),
        Setting("bfloat16", threads, precision="bfloat16"),
    ]


def settings_benchmark(task: ProxyTask, rounds: int, threads: int, progress: Callable[[str], None]) -> dict[str, Any]:
    """The document that `effspine bench settings --json` prints.

    `step_seconds` is the median over all rounds; for several processes it is the time of a step over their number, the
    cost of a step in terms of throughput. `ratio` is the median over rounds of that time over the time of the setting
    in use in the same round; below 1 is faster.
    """
    compared = settings(threads)
    times: dict[str, list[float]] = defaultdict(list)
    for number in range(1, rounds + 1):
        for setting in compared:
            progress(f"round {number} of {rounds}, {setting.name}")
            times[setting.name].append(step_seconds(task, setting))
    in_use = times[compared[0].name]
    return {
        "settings": [
            {
                "name": setting.name,
                "threads": setting.threads,
                "threads_an_operation": setting.intra_op_threads,
                "processes": setting.processes,
                "precision": setting.precision,
                "environment": setting.environment,
                "step_seconds": round(statistics.median(times[setting.name]), 4),
                "ratio": round(statistics.median(_ratios(times[setting.name], in_use)), 3),
            }
            for setting in compared
        ],
        "rounds": rounds,
        "threads": threads,
        "image_px": task.image_px,
        "batch_size": task.batch_size,
    }


def _ratios(times: list[float], in_use: list[float]) -> list[float]:
    return [seconds / reference for seconds, reference in zip(times, in_use, strict=True)]


def step_seconds(task: ProxyTask, setting: Setting) -> float:
    """The seconds of a steady step under a setting, divided by the number of its processes."""
    with get_context("spawn").Manager() as manager:
        found = run_in_fresh_processes(
            setting.processes,
            time_steps,
            replace(task, precision=setting.precision),
            setting.threads,
            setting.intra_op_threads,
            manager.Barrier(setting.processes),
            environment=setting.environment,
        )
    return statistics.mean(found) / setting.processes


def time_steps(task: ProxyTask, threads: int, intra_op_threads: int, start: Barrier) -> float:
    """The median seconds of a steady step in this process, where TensorFlow must not have run with other threads.

    The process warms up, waits at the barrier `start`, and then measures. It aborts the barrier where it fails before,
    so that the other processes do not wait for it.
    """
    try:
        step = _warmed_up_step(task, threads, intra_op_threads)
    except BaseException:
        start.abort()
        raise
    start.wait()
    return statistics.median(step() for _ in range(STEPS))


def _warmed_up_step(task: ProxyTask, threads: int, intra_op_threads: int) -> Callable[[], float]:
    """A training step that returns its seconds, after WARM_UP_STEPS of them."""
    from proxy_trainer.benchmarks.engine_benchmark import CLASSES, random_batch
    from proxy_trainer.engine import runtime
    from proxy_trainer.engine.engine import Engine

    runtime.start(threads, intra_op_threads=intra_op_threads)
    engine, batch = Engine(task, CLASSES), random_batch(task)
    engine.load(EFF_SPINENET_D0, seed=0)

    def step() -> float:
        started = time.perf_counter()
        engine.train_step(batch, task.learning_rate, (0, 0))
        return time.perf_counter() - started

    for _ in range(WARM_UP_STEPS):
        step()
    return step
