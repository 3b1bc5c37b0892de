"""Runs functions of test modules in a new process, in which TensorFlow has not run yet."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

from tests.support.paths import ROOT

THREADS = 2
"""TensorFlow's threads in every process of the tests."""


def run_function(
    function: Callable[..., None], *arguments: object, timeout_s: float = 280, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Calls a function of a module, with the arguments as text, in a new Python process."""
    name = function.__name__
    return subprocess.run(
        [sys.executable, "-c", f"import sys; from {function.__module__} import {name}; {name}(*sys.argv[1:])"]
        + [str(argument) for argument in arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2", **environment},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def in_a_process(function: Callable[..., None], *arguments: object, timeout_s: float = 280, **environment: str) -> None:
    """Calls a function as `run_function` does; raises AssertionError with its standard error if it fails."""
    completed = run_function(function, *arguments, timeout_s=timeout_s, **environment)
    assert completed.returncode == 0, completed.stderr[-8000:]
