"""The latency of a network beside that of a reference."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporters.benchmarks.latency import TimedGraph, network_graph
from exporters.benchmarks.paired_latency import WARM_UP_RUNS, paired_latency
from tests.support.random_detectors import UNEQUAL


@pytest.fixture(scope="module")
def small() -> TimedGraph:
    return network_graph(UNEQUAL)


def test_the_ratio_is_that_of_the_network_to_the_reference(small: TimedGraph) -> None:
    larger = network_graph(replace(UNEQUAL, input_px=512, subnet_width=64))
    there, back = paired_latency(larger, small, 9), paired_latency(small, larger, 9)
    assert there.ratio > 3
    assert back.ratio < 1 / 3
    assert there.median_ms > 3 * back.median_ms > 0


def test_the_ratio_of_the_reference_itself_is_one(small: TimedGraph) -> None:
    calls: list[None] = []
    found = paired_latency(small, small, 3, lambda: calls.append(None))
    assert found.ratio == 1.0
    assert found.median_ms > 0
    assert len(calls) == 3 + WARM_UP_RUNS
