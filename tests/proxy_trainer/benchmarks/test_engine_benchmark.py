"""The engine benchmark: what it measures and reports, without assumptions about durations."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from proxy_trainer.benchmarks import engine_benchmark as benchmark
from proxy_trainer.benchmarks.engine_benchmark import Times, engine_benchmark, time_both
from tests.support.processes import THREADS
from tests.support.proxy_tasks import TINY


def test_figures_are_medians_and_keras_has_the_better_thread_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[int, int]] = []

    def run_in_fresh_process(function: Any, task: Any, threads: int, intra_op_threads: int) -> Times:
        assert function is time_both
        slow = (1, 2, 9)[len(calls) // 2]  # the machine is busy from the second round on
        calls.append((threads, intra_op_threads))
        at = time.monotonic() + slow * 10
        if intra_op_threads == 1:
            return Times(at, (slow * 0.5,) * 3, (slow * 0.25,) * 2, (slow * 50.0,), (slow * 0.5,) * 2)
        return Times(at, (slow * 0.7,) * 3, (slow * 0.3,) * 2, (slow * 40.0,), (slow * 0.6,) * 2)

    messages: list[str] = []
    monkeypatch.setattr(benchmark, "run_in_fresh_process", run_in_fresh_process)
    found = engine_benchmark(3, 4, messages.append)
    assert len(messages) == 6
    assert calls == 3 * [(4, 1), (4, 4)]
    assert found["first_step_seconds"] == 1.0
    assert found["keras_first_step_seconds"] == 80.0
    assert found["first_step_ratio"] == 80.0
    assert found["step_seconds"] == 0.5
    assert found["keras_step_seconds"] == 1.0
    assert found["step_ratio"] == 2.0
    assert found["step_seconds_shared_threads"] == 0.6
    assert found["step_ratio_by_threads"] == {"own_threads": 2.0, "shared_threads": 2.0}
    assert found["step_ratio_to_keras_as_it_comes"] == 2.4
    assert found["keras_step_seconds_by_threads"] == {"own_threads": 1.0, "shared_threads": 1.2}
    assert found["cold_first_step_seconds"] == pytest.approx(20, abs=1)
    assert (found["repeats"], found["threads"], found["image_px"], found["batch_size"]) == (3, 4, 128, 16)


@pytest.mark.slow
def test_engine_and_keras_are_timed_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "WARM_UP_STEPS", 0)
    monkeypatch.setattr(benchmark, "STEPS", 1)
    times = time_both(TINY, THREADS, 1, eager_keras=True)
    assert len(times.first_steps) == 1 + benchmark.OTHER_ARCHITECTURES
    assert len(times.keras_first_steps) == len(times.steps) == len(times.keras_steps) == 1
    assert min(*times.first_steps, *times.keras_first_steps, *times.steps, *times.keras_steps) > 0


def test_architectures_differ() -> None:
    assert (
        len({architecture.widths for architecture in benchmark._other_architectures()}) == benchmark.OTHER_ARCHITECTURES
    )


def test_the_batch_has_boxes_inside_its_images() -> None:
    batch = benchmark.random_batch(TINY)
    assert batch.pixels.shape == (TINY.batch_size, TINY.image_px, TINY.image_px, 3)
    assert np.all(batch.boxes[..., 2:] > batch.boxes[..., :2])
    assert np.all((batch.boxes >= 0) & (batch.boxes <= TINY.image_px))
