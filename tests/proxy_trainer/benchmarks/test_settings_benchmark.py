"""The settings benchmark: what it runs and reports, without assumptions about durations."""

from __future__ import annotations

from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest

from proxy_trainer.benchmarks import settings_benchmark as benchmark
from proxy_trainer.benchmarks.settings_benchmark import Setting, settings, settings_benchmark, step_seconds, time_steps
from search_space.proxy_task import ProxyTask
from tests.support.processes import THREADS
from tests.support.proxy_tasks import TINY


def test_every_round_runs_all_settings_and_ratios_are_within_a_round(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = settings(4)
    calls: list[str] = []

    def seconds(task: ProxyTask, setting: Setting) -> float:
        load = (1.0, 5.0, 1.0)[len(calls) // len(compared)]  # the machine is busy in the second round
        calls.append(setting.name)
        return load * (0.2 if setting.name == compared[0].name else 0.3)

    monkeypatch.setattr(benchmark, "step_seconds", seconds)
    messages: list[str] = []
    found = settings_benchmark(TINY, 3, 4, messages.append)
    assert calls == 3 * [setting.name for setting in compared]
    assert len(messages) == len(calls)
    first, *others = found["settings"]
    assert (first["step_seconds"], first["ratio"]) == (0.2, 1.0)
    assert {each["ratio"] for each in others} == {1.5}


def test_every_setting_differs_and_the_first_is_the_one_in_use() -> None:
    compared = settings(2)
    assert len({setting.name for setting in compared}) == len(compared)
    assert (compared[0].threads, compared[0].intra_op_threads, compared[0].processes) == (2, 1, 1)
    assert compared[0].environment == {}


def test_concurrent_processes_divide_the_time_of_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Any, ...]] = []

    def run_in_fresh_processes(
        processes: int, function: Any, *arguments: Any, environment: dict[str, str]
    ) -> list[float]:
        calls.append((processes, function, arguments[0].precision, *arguments[1:3], environment))
        return [0.3] * processes

    monkeypatch.setattr(benchmark, "run_in_fresh_processes", run_in_fresh_processes)
    setting = Setting("three", 1, 2, processes=3, precision="bfloat16", environment={"A": "B"})
    assert step_seconds(TINY, setting) == pytest.approx(0.1)
    assert calls == [(3, time_steps, "bfloat16", 1, 2, {"A": "B"})]


@pytest.mark.timeout(60)
def test_a_process_that_fails_does_not_keep_the_others_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(threads: int, *, intra_op_threads: int) -> None:
        raise RuntimeError("no such number of threads")

    monkeypatch.setattr("proxy_trainer.engine.runtime.start", fail)
    start = Barrier(2)
    with pytest.raises(RuntimeError, match="no such number of threads"):
        time_steps(TINY, THREADS, 1, start)
    with pytest.raises(BrokenBarrierError):
        start.wait()


def test_steps_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "WARM_UP_STEPS", 1)
    monkeypatch.setattr(benchmark, "STEPS", 1)
    assert time_steps(TINY, THREADS, 1, Barrier(1)) > 0
