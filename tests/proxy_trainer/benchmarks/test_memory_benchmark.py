"""The memory benchmark at its smallest: what it reports, not how much."""

from __future__ import annotations

import pytest

from proxy_trainer.benchmarks import engine_benchmark
from proxy_trainer.benchmarks.memory_benchmark import memory_benchmark
from search_space.proxy_task import resolve


def test_one_trace_serves_all_and_memory_is_read_after_every_tenth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_benchmark, "TASK", resolve("smoke", image_px=32, width_multiplier=0.1, batch_size=2))
    said: list[str] = []
    found = memory_benchmark(21, threads=2, progress=said.append)
    assert found["traces"] == [1, 1]
    assert len(found["rss_mb"]) == len(said) == 2
    assert found["rss_mb"][0] > 100
    with pytest.raises(ValueError, match="20 architectures are too few"):
        memory_benchmark(20, threads=2, progress=said.append)
