"""Measures the latency of a trial's architecture on the worker's machine, as `latency` of the campaign says.

What is measured is the searched architecture at its own input size, not the reduced network of the proxy task: its ONNX
export without decoding and suppression, one image at a time. Runs of the baseline alternate with its own, and the
ratio of the two is what trials are compared by.

Measurements on one machine exclude each other by a lock on a file in the cache directory. Trainings go on meanwhile, of
other workers and of other programs, and slow both networks: milliseconds depend on the load, the ratio does far less.
"""

from __future__ import annotations

import fcntl
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from nas_controller.search.outcomes import Latency
from search_space.architecture import Architecture

if TYPE_CHECKING:
    from exporters.benchmarks.latency import TimedGraph

LOCK_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class LatencyMeasurement:
    """How the latency is measured: the widths of the baseline, the threads of a run, and the runs of each."""

    baseline: tuple[int, ...]
    threads: int
    runs: int


def measure_latency(
    measurement: LatencyMeasurement,
    base: Architecture,
    widths: tuple[int, ...],
    cache_dir: Path,
    alive: Callable[[], None],
) -> Latency:
    """The latency of `base` with these widths. Calls `alive` while it waits and between runs.

    Raises OSError where the lock cannot be made, and what `alive` raises.
    """
    from exporters.benchmarks.latency import network_graph
    from exporters.benchmarks.paired_latency import paired_latency

    baseline = network = _baseline_graph(replace(base, widths=measurement.baseline), measurement.threads)
    if widths != measurement.baseline:
        alive()
        network = network_graph(replace(base, widths=widths), threads=measurement.threads)
    with _only_one_on_this_machine(cache_dir, alive):
        found = paired_latency(network, baseline, measurement.runs, alive)
    return Latency(found.median_ms, found.ratio)


@lru_cache(1)
def _baseline_graph(baseline: Architecture, threads: int) -> TimedGraph:
    """The graph of the baseline, which stays loaded for the trials of a campaign."""
    from exporters.benchmarks.latency import network_graph

    return network_graph(baseline, threads=threads)


@contextmanager
def _only_one_on_this_machine(directory: Path, alive: Callable[[], None]) -> Iterator[None]:
    """Waits for other measurements; several machines may share the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / f"latency-{socket.gethostname()}.lock").open("ab") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                alive()
                time.sleep(LOCK_POLL_SECONDS)
        yield
