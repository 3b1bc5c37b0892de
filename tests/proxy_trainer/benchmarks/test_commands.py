from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from proxy_trainer.benchmarks import (
    cold_start_benchmark,
    engine_benchmark,
    memory_benchmark,
    profile_benchmark,
    settings_benchmark,
)
from proxy_trainer.benchmarks.cold_start_benchmark import ColdStart
from proxy_trainer.benchmarks.commands import engine_app, evaluation_app, memory_app, profile_app, settings_app
from search_space.errors import InvalidValueError
from tests.support.paths import ROOT

FOUND = {
    "first_step_seconds": 0.5,
    "keras_first_step_seconds": 45.0,
    "keras_first_step_seconds_by_threads": {"own_threads": 46.5, "shared_threads": 45.0},
    "first_step_ratio": 90.0,
    "step_seconds": 0.25,
    "keras_step_seconds": 0.5,
    "keras_step_seconds_by_threads": {"own_threads": 0.5, "shared_threads": 0.6},
    "step_ratio": 2.0,
    "cold_first_step_seconds": 20.0,
    "step_seconds_shared_threads": 0.3,
    "step_ratio_by_threads": {"own_threads": 2.0, "shared_threads": 1.9},
    "step_ratio_to_keras_as_it_comes": 2.4,
}


def test_engine_prints_one_document_or_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(repeats: int, threads: int, progress: Callable[[str], None]) -> dict[str, Any]:
        progress("round 1 of 1")
        return FOUND | {"repeats": repeats, "threads": threads}

    monkeypatch.setattr(engine_benchmark, "engine_benchmark", measured)
    done = CliRunner().invoke(engine_app, ["--repeats", "1", "--threads", "3", "--json"], catch_exceptions=False)
    assert json.loads(done.stdout) == FOUND | {"repeats": 1, "threads": 3}
    assert "round 1" in done.stderr
    table = CliRunner().invoke(engine_app, [], catch_exceptions=False).stdout
    words = [line.split()[-4:] for line in table.splitlines() if "first step" in line]
    assert "ratio 2.00, threads shared 1.90" in table
    assert words == [["0.5", "46.5", "45", "90.00"], ["its", "first", "step", "20"]]


def test_engine_against_another_version_prints_both_cold_starts_and_their_ratio(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "proxy_trainer").mkdir()
    calls: list[Path] = []

    def cold_start(checkout: Path, threads: int) -> ColdStart:
        assert threads == 3
        slow = (1, 9, 2)[len(calls) // 2]  # the machine is busy in the second round
        calls.append(checkout)
        return ColdStart(slow * 5.0, slow * 0.25, 1.5) if checkout == ROOT else ColdStart(slow * 10.0, slow * 0.5, 1.5)

    monkeypatch.setattr(cold_start_benchmark, "cold_start", cold_start)
    arguments = ["--against", str(tmp_path), "--repeats", "3", "--threads", "3"]
    done = CliRunner().invoke(engine_app, [*arguments, "--json"], catch_exceptions=False)
    found = json.loads(done.stdout)
    assert calls == [ROOT, tmp_path, tmp_path, ROOT, ROOT, tmp_path]
    assert (found["cold_first_step_seconds"], found["against_cold_first_step_seconds"]) == (10.0, 20.0)
    assert (found["step_seconds"], found["against_step_seconds"]) == (0.5, 1.0)
    assert found["cold_ratio"] == found["steady_ratio"] == 0.5
    assert found["first_loss"] == found["against_first_loss"] == 1.5
    calls.clear()
    table = CliRunner().invoke(engine_app, arguments, catch_exceptions=False).stdout
    assert [line.split()[-3:] for line in table.splitlines() if "first step" in line] == [["10", "20", "0.5"]]


def test_engine_against_a_directory_without_a_checkout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="is no checkout of effspine"):
        cold_start_benchmark.cold_start_benchmark(tmp_path, 1, 1, print)


def test_a_cold_start_is_timed_in_a_process_of_the_checkout(tmp_path: Path) -> None:
    """The modules are stubs in other packages than those of this checkout."""
    for name, text in (
        ("trainer/runtime", "def start(threads): assert threads == 3"),
        (
            "engine",
            "class Loss: total = 2.5\nclass Engine:\n    def __init__(self, *a): pass\n"
            "    def load(self, *a, **k): pass\n    def train_step(self, *a): return Loss\n",
        ),
        (
            "engine_benchmark",
            "class TASK: learning_rate = 0.1\nCLASSES = 1\nSP_EFFICIENTNET_B0 = 0\ndef random_batch(t): return t",
        ),
    ):
        file = tmp_path / "proxy_trainer" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        (file.parent / "__init__.py").touch()
    found = cold_start_benchmark.cold_start(tmp_path, 3)
    assert found.loss == 2.5
    assert found.cold > 0
    assert found.step > 0


def test_evaluation_prints_one_document_or_a_table() -> None:
    done = CliRunner().invoke(evaluation_app, ["--images", "5", "--json"], catch_exceptions=False)
    assert json.loads(done.stdout)["images"] == 5
    assert "pycocotools" in CliRunner().invoke(evaluation_app, ["--images", "5"], catch_exceptions=False).stdout


def test_memory_prints_one_document_or_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(architectures: int, threads: int, progress: Callable[[str], None]) -> dict[str, Any]:
        progress("10 of 30")
        return {"architectures": architectures, "growth_mb": 3.4, "rss_mb": [900.0, 903.4], "traces": [1, 1]}

    monkeypatch.setattr(memory_benchmark, "memory_benchmark", measured)
    done = CliRunner().invoke(memory_app, ["--architectures", "30", "--json"], catch_exceptions=False)
    assert json.loads(done.stdout)["growth_mb"] == 3.4
    assert "10 of 30" in done.stderr
    table = CliRunner().invoke(memory_app, [], catch_exceptions=False).stdout
    assert "+3 MB" in table


def test_profile_prints_one_document_or_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(task: Any, threads: int, progress: Callable[[str], None]) -> dict[str, Any]:
        progress("10 steps")
        return {
            "step_seconds": 0.14,
            "threads_busy": 1.6,
            "operations": [
                {"type": "MatMul", "count": 4.0, "ms": 99.7, "share": 0.997},
                {"type": "Cast", "count": 1.0, "ms": 0.3, "share": 0.003},
            ],
            "forward_madds": 1_000,
            "madds": 2_900,
            "bytes": 5_000_000,
            "matrix_gflops_a_second": 100.0,
            "memory_gb_a_second": 10.0,
            "arithmetic_seconds": 0.07,
            "memory_seconds": 0.02,
            "step_over_arithmetic": 2.0,
            "step_over_memory": 7.0,
            "threads": threads,
        }

    monkeypatch.setattr(profile_benchmark, "profile_benchmark", measured)
    done = CliRunner().invoke(profile_app, ["--threads", "3", "--json"], catch_exceptions=False)
    assert json.loads(done.stdout)["threads"] == 3
    assert "10 steps" in done.stderr
    table = CliRunner().invoke(profile_app, [], catch_exceptions=False).stdout
    assert "99.7 %" in table
    assert "Cast" not in table
    assert "100 GFLOP/s; the step takes 2.0 times that" in table
    assert "at least 5 MB" in table


def test_settings_prints_one_document_or_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(task: Any, rounds: int, threads: int, progress: Callable[[str], None]) -> dict[str, Any]:
        progress("round 1 of 1")
        compared = [
            {"name": "in use", "step_seconds": 0.14, "ratio": 1.0},
            {"name": "slow", "step_seconds": 0.21, "ratio": 1.5},
        ]
        return {"settings": compared, "rounds": rounds, "threads": threads}

    monkeypatch.setattr(settings_benchmark, "settings_benchmark", measured)
    done = CliRunner().invoke(settings_app, ["--rounds", "1", "--threads", "3", "--json"], catch_exceptions=False)
    found = json.loads(done.stdout)
    assert (found["rounds"], found["threads"]) == (1, 3)
    assert "round 1" in done.stderr
    table = CliRunner().invoke(settings_app, [], catch_exceptions=False).stdout
    assert [line.split()[-1] for line in table.splitlines() if "slow" in line] == ["1.50"]
