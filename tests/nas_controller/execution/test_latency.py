"""The worker measures the exported network itself, one measurement at a time."""

from __future__ import annotations

import fcntl
import socket
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from nas_controller.execution import worker
from nas_controller.execution.latency import LatencyMeasurement, measure_latency
from nas_controller.execution.worker import Cancelled, Job, TrialProgress, run_trial
from nas_controller.search.outcomes import Latency, Rewarded
from search_space.proxy_task import resolve
from tests.support.random_detectors import UNEQUAL

BASE = replace(UNEQUAL, input_px=256)
MEASUREMENT = LatencyMeasurement(BASE.widths, threads=1, runs=5)


def measured(tmp_path: Path, widths: tuple[int, ...]) -> Latency:
    return measure_latency(MEASUREMENT, BASE, widths, tmp_path / "cache", lambda: None)


def test_wider_blocks_take_longer_than_the_baseline(tmp_path: Path) -> None:
    wider = measured(tmp_path, tuple(16 * width for width in BASE.widths))
    baseline = measured(tmp_path, BASE.widths)
    assert wider.ratio > 2
    assert wider.ms > 2 * baseline.ms > 0
    assert baseline.ratio == 1.0


def test_a_synthetic_trial_is_measured_like_any_other(tmp_path: Path) -> None:
    job = Job(resolve("synthetic"), BASE, None, tmp_path / "cache", seed=1, threads=2, latency=MEASUREMENT)
    reports: list[TrialProgress] = []
    outcome = run_trial(job, BASE.widths, reports.append)
    assert isinstance(outcome, Rewarded)
    assert outcome.latency is not None
    assert outcome.latency.ratio == 1.0
    assert reports.count(worker.ALIVE) >= MEASUREMENT.runs
    assert outcome == replace(
        run_trial(replace(job, latency=None), BASE.widths, reports.append), latency=outcome.latency
    )  # type: ignore[arg-type]


def test_measurements_on_one_machine_wait_for_each_other(tmp_path: Path) -> None:
    cache, waits, found = tmp_path / "cache", threading.Event(), list[Latency]()
    cache.mkdir()
    measured(tmp_path, BASE.widths)  # the graph is loaded then
    with (cache / f"latency-{socket.gethostname()}.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        arguments = (MEASUREMENT, BASE, BASE.widths, cache, waits.set)
        thread = threading.Thread(target=lambda: found.append(measure_latency(*arguments)))
        thread.start()
        assert waits.wait(60)
        thread.join(0.5)
        assert thread.is_alive()
        assert not found
    thread.join(120)
    assert len(found) == 1


def test_a_measurement_can_be_cancelled_while_it_waits_and_lets_others_go_on(tmp_path: Path) -> None:
    def cancel() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        measure_latency(MEASUREMENT, BASE, BASE.widths, tmp_path / "cache", cancel)
    assert measured(tmp_path, BASE.widths).ms > 0
