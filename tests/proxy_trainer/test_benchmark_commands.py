from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from proxy_trainer import engine_benchmark, memory_benchmark
from proxy_trainer.benchmark_commands import engine_app, evaluation_app, memory_app

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
    assert words == [["0.5", "46.5", "45", "90.00"], ["its", "first", "step", "20"]]


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
