from __future__ import annotations

import json
import subprocess
import sys

import pytest

from nas_controller.benchmarks.control_plane import MemorySample, summarise
from search_space.errors import EffspineError


def test_the_summary_compares_the_last_tenth_with_the_first() -> None:
    finished, now = [], 100.0
    for number in range(100):
        finished.append(now)
        now += 0.02 if number < 90 else 0.04
    memory = [MemorySample(0, 50.0), MemorySample(9, 120.0), MemorySample(12, 130.0), MemorySample(100, 141.5)]
    found = summarise(finished[::-1], memory)
    assert found == {"driver_seconds_per_trial": 0.02182, "last_over_first": 1.9, "driver_rss_growth_mb": 11.5}


def test_without_a_memory_sample_there_is_no_growth() -> None:
    assert summarise([0.0, 1.0, 2.0], [])["driver_rss_growth_mb"] == 0


@pytest.mark.slow
def test_a_real_campaign_is_measured_and_leaves_few_files() -> None:
    command = [sys.executable, "-m", "api.cli.main", "bench", "control-plane", "--trials", "30", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found = json.loads(done.stdout)
    assert found["trials"] == 30
    assert found["driver_seconds_per_trial"] > 0
    assert found["last_over_first"] > 0
    assert isinstance(found["driver_rss_growth_mb"], float)
    assert 1 <= found["files"] <= 5
    assert found["repeats"] == 0


def test_a_failed_runner_gives_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from nas_controller.benchmarks import control_plane as benchmark

    monkeypatch.setattr(benchmark.sys, "executable", "/bin/false")
    with pytest.raises(EffspineError, match="the runner ended with status 1"):
        benchmark.control_plane_benchmark(20, print)
