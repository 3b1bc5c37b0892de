"""Runs exports in the environment of their own framework, in a new process that cannot import effspine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.paths import ROOT

VENV_VARIABLE = "EFFSPINE_EXPORTS_VENV"
REQUIRED_VARIABLE = "EFFSPINE_REQUIRE_EXPORTS"
THREADS = "2"


def python_of_exports() -> Path:
    """The Python of the environment: that of `make setup-exports`, or the one that the variable names.

    Without it, the test fails where the variable of `make test` demands it, and is skipped elsewhere.
    """
    venv = Path(os.environ.get(VENV_VARIABLE) or ROOT / ".venv-exports")
    python = venv / "bin" / "python"
    if not python.exists():
        reason = f"there is no environment {venv}; run `make setup-exports`, or name another one with {VENV_VARIABLE}"
        if os.environ.get(REQUIRED_VARIABLE) == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return python


def run_export(
    arguments: Sequence[object], *, folder: Path, timeout_s: float = 280, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Runs that Python with these arguments in `folder`; with `check`, asserts that it succeeds."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "EFFSPINE"))}
    completed = subprocess.run(
        [python_of_exports(), *map(str, arguments)],
        cwd=folder,
        env=environment | {"OMP_NUM_THREADS": THREADS},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert not check or completed.returncode == 0, completed.stderr[-8000:]
    return completed
