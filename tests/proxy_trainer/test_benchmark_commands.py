from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from proxy_trainer import engine_benchmark
from proxy_trainer.benchmark_commands import engine_app, evaluation_app

FOUND = {
    "first_step_seconds": 0.5,
    "keras_first_step_seconds": 45.0,
    "first_step_ratio": 90.0,
    "step_seconds": 0.25,
    "keras_step_seconds": 0.5,
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
    assert "90.0" in table
    assert "20 s" in table


def test_evaluation_prints_one_document_or_a_table() -> None:
    done = CliRunner().invoke(evaluation_app, ["--images", "5", "--json"], catch_exceptions=False)
    assert json.loads(done.stdout)["images"] == 5
    assert "pycocotools" in CliRunner().invoke(evaluation_app, ["--images", "5"], catch_exceptions=False).stdout
