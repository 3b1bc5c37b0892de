"""Functions of test modules in a process of their own, in which TensorFlow has not run yet."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

from tests.support.paths import ROOT

THREADS = 2
"""Of TensorFlow, in every process of the tests."""


def in_a_process(function: Callable[..., None], *arguments: object, timeout_s: float = 280, **environment: str) -> None:
    """Call a function of a module with the arguments as text; what it prints to standard error is shown if it fails."""
    name = function.__name__
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; from {function.__module__} import {name}; {name}(*sys.argv[1:])"]
        + [str(argument) for argument in arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2", **environment},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-8000:]
