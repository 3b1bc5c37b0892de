"""The benchmark of the engine: what it counts and what its document says, never how long anything takes."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from proxy_trainer import engine_benchmark as benchmark
from proxy_trainer.engine_benchmark import STEPS, Times, engine_benchmark, time_engine
from search_space.proxy_task import resolve
from tests.proxy_trainer.conftest import THREADS

TINY = resolve("smoke", image_px=64, width_multiplier=0.1, batch_size=2, subnet_width=4)


def test_medians_over_all_rounds_and_the_better_keras_of_the_two(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, Any]] = []

    def apart(function: Any, task: Any, threads: int | None, threads_an_operation: int = 1) -> Times:
        calls.append((function.__name__, threads))
        slow = (1, 2, 9)[(len(calls) - 1) // 4]  # the machine is busy from the second round on
        if function is benchmark.time_keras:
            first, step = (40.0, 0.6) if threads is None else (50.0, 0.5)
            return Times(0.0, (slow * first,), (slow * step,))
        step = 0.25 if threads_an_operation == 1 else 0.5
        return Times(time.monotonic() + slow * 10, (slow * 0.5,) * 3, (slow * step,) * 2)

    said: list[str] = []
    monkeypatch.setattr(benchmark, "_apart", apart)
    found = engine_benchmark(3, 2, said.append)
    assert said == ["round 1 of 3", "round 2 of 3", "round 3 of 3"]
    one_round = [("time_engine", 2), ("time_keras", 2), ("time_keras", None), ("time_engine", 2)]
    assert calls == 3 * one_round
    assert found["first_step_seconds"] == 1.0
    assert found["keras_first_step_seconds"] == 80.0
    assert found["first_step_ratio"] == 80.0
    assert found["step_seconds"] == 0.5
    assert found["keras_step_seconds"] == 1.0
    assert found["step_ratio"] == 2.0
    assert found["step_seconds_shared_threads"] == 1.0
    assert found["keras_step_seconds_by_threads"] == {"engine_threads": 1.0, "default_threads": 1.2}
    assert found["cold_first_step_seconds"] == pytest.approx(20, abs=1)
    assert (found["repeats"], found["threads"], found["image_px"], found["batch_size"]) == (3, 2, 128, 16)


def test_the_engine_is_timed_over_architectures_that_it_has_not_seen() -> None:
    times = time_engine(TINY, THREADS, 1)
    assert len(times.first_steps) == 1 + benchmark.OTHER_ARCHITECTURES
    assert len(times.steps) == STEPS
    assert min(times.first_steps + times.steps) > 0
    widths = {architecture.widths for architecture in benchmark._others()}
    assert len(widths) == benchmark.OTHER_ARCHITECTURES


def test_a_process_of_its_own_gives_its_result_back() -> None:
    assert benchmark._apart(pow, 2, 10) == 1024


def test_the_batch_has_boxes_inside_its_images() -> None:
    batch = benchmark.random_batch(TINY)
    assert batch.pixels.shape == (2, 64, 64, 3)
    assert np.all(batch.boxes[..., 2:] > batch.boxes[..., :2])
    assert np.all((batch.boxes >= 0) & (batch.boxes <= 64))
