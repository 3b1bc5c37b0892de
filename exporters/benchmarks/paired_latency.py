"""The latency of a network beside that of a reference, in runs that alternate.

What else runs on the machine slows both, so their ratio says more of the network than its milliseconds do.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import NamedTuple

from exporters.benchmarks.latency import TimedGraph

WARM_UP_RUNS = 2


class PairedLatency(NamedTuple):
    """The median of a run in milliseconds, and the median of the ratios to the run of the reference next to it."""

    median_ms: float
    ratio: float


def paired_latency(
    network: TimedGraph, reference: TimedGraph, runs: int, between_runs: Callable[[], None] = lambda: None
) -> PairedLatency:
    """The latency over `runs` runs of each, after a warm-up; `between_runs` is called before each pair.

    The ratio of the reference itself is 1 by definition.
    """
    times_ms, ratios = [], []
    for _ in range(WARM_UP_RUNS + runs):
        between_runs()
        times_ms.append(network.run_ms())
        ratios.append(1.0 if network is reference else times_ms[-1] / reference.run_ms())
    return PairedLatency(median(times_ms[WARM_UP_RUNS:]), median(ratios[WARM_UP_RUNS:]))
