"""Runs exports in the environment of their own framework, in a new process that cannot import effspine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.paths import ROOT

REQUIRED_VARIABLE = "EFFSPINE_REQUIRE_EXPORTS"
THREADS = "1"
"""More threads wait for each other in networks as small as those of the tests."""


def python_of(environment: str) -> Path:
    """The Python of `.venv-NAME`, which `make setup-NAME` makes, or of the one that `EFFSPINE_NAME_VENV` names.

    Without it, the test fails where the variable of `make test` demands it, and is skipped elsewhere.
    """
    variable = f"EFFSPINE_{environment.upper().replace('-', '_')}_VENV"
    venv = Path(os.environ.get(variable) or ROOT / f".venv-{environment}")
    python = venv / "bin" / "python"
    if not python.exists():
        reason = f"there is no environment {venv}; run `make setup-{environment}`, or name another one with {variable}"
        if os.environ.get(REQUIRED_VARIABLE) == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return python


def run_export(
    arguments: Sequence[object],
    *,
    folder: Path,
    environment: str = "exports",
    timeout_s: float = 280,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Runs that Python with these arguments in `folder`; with `check`, asserts that it succeeds."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "EFFSPINE"))}
    completed = subprocess.run(
        [python_of(environment), *map(str, arguments)],
        cwd=folder,
        env=variables | {"OMP_NUM_THREADS": THREADS},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert not check or completed.returncode == 0, completed.stderr[-8000:]
    return completed
