"""The memory benchmark with few architectures: what it reports, without assumptions about amounts."""

from __future__ import annotations

import pytest

from proxy_trainer.benchmarks import engine_benchmark
from proxy_trainer.benchmarks.memory_benchmark import memory_benchmark
from tests.support.proxy_tasks import TINY


@pytest.mark.slow
def test_all_share_one_trace_and_memory_is_reported_after_every_tenth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_benchmark, "TASK", TINY)
    messages: list[str] = []
    found = memory_benchmark(21, threads=2, progress=messages.append)
    assert found["traces"] == [1, 1]
    assert len(found["rss_mb"]) == len(messages) == 2
    assert found["rss_mb"][0] > 100
    with pytest.raises(ValueError, match="20 architectures are too few"):
        memory_benchmark(20, threads=2, progress=messages.append)
