from __future__ import annotations

import os
import queue
from multiprocessing import get_context
from typing import Any

import pytest

from proxy_trainer.benchmarks.fresh_process import run_in_fresh_process, run_in_fresh_processes


def test_a_fresh_process_returns_the_result() -> None:
    assert run_in_fresh_process(pow, 2, 10) == 1024


def fail_or_wait(failing: Any, start: Any) -> None:
    try:
        failing.get_nowait()
    except queue.Empty:
        start.wait()
    else:
        start.abort()
        raise ValueError("the cause")


def test_the_exception_that_broke_a_barrier_is_raised() -> None:
    with get_context("spawn").Manager() as manager:
        failing, start = manager.Queue(), manager.Barrier(2)
        failing.put(1)
        with pytest.raises(ValueError, match="the cause"):
            run_in_fresh_processes(2, fail_or_wait, failing, start)


def test_environment_variables_are_restored_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EFFSPINE_EXISTING", "before")
    variables = {"EFFSPINE_EXISTING": "meanwhile", "EFFSPINE_NEW": "1"}
    assert run_in_fresh_processes(2, os.getenv, "EFFSPINE_EXISTING", environment=variables) == ["meanwhile"] * 2
    assert (os.getenv("EFFSPINE_EXISTING"), os.getenv("EFFSPINE_NEW")) == ("before", None)
