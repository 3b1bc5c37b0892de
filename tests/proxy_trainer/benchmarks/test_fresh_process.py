from __future__ import annotations

import os

import pytest

from proxy_trainer.benchmarks.fresh_process import run_in_fresh_process, run_in_fresh_processes


def test_a_fresh_process_returns_the_result() -> None:
    assert run_in_fresh_process(pow, 2, 10) == 1024


def test_environment_variables_are_restored_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EFFSPINE_EXISTING", "before")
    variables = {"EFFSPINE_EXISTING": "meanwhile", "EFFSPINE_NEW": "1"}
    assert run_in_fresh_processes(2, os.getenv, "EFFSPINE_EXISTING", environment=variables) == ["meanwhile"] * 2
    assert (os.getenv("EFFSPINE_EXISTING"), os.getenv("EFFSPINE_NEW")) == ("before", None)
