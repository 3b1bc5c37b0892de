"""Runs exports in the environment of their own framework: alone, or by effspine with that environment's packages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
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


def require_torchvision() -> None:
    """Skips the test where the environment of exports has no torchvision that runs with its PyTorch.

    Where it has none at all, the test fails where the variable of `make test` demands it. A build of torchvision for
    CUDA does not run with a PyTorch for processors alone, which an index may have without its torchvision.
    """
    python = python_of("exports")
    asked = "import importlib.util as u, sys; sys.exit(u.find_spec('torchvision') is None)"
    if subprocess.run([python, "-c", asked], check=False).returncode != 0:
        reason = f"{python} has no torchvision; run `make setup-exports`"
        if os.environ.get(REQUIRED_VARIABLE) == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    tried = subprocess.run([python, "-c", "import torchvision"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        assert "operator torchvision::" in tried.stderr, tried.stderr
        pytest.skip(f"torchvision is of another build than PyTorch: {tried.stderr.splitlines()[-1]}")


def run_export(
    arguments: Sequence[object],
    *,
    folder: Path,
    environment: str = "exports",
    timeout_s: float = 280,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Runs that Python, which cannot import effspine, in `folder`; with `check`, asserts that it succeeds."""
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


def run_effspine_with(
    environment: str, commands: Sequence[Sequence[object]], *, data_dir: Path, timeout_s: float = 500
) -> list[str]:
    """What these commands of effspine print, where the packages of that environment are installed, too.

    effspine and its own packages come first, so that the environment adds what they lack, such as PyTorch. Asserts that
    the commands succeed.
    """
    asked = "import json, sys, sysconfig; print(json.dumps([sysconfig.get_path('purelib'), sys.version_info[:2]]))"
    packages, version = json.loads(subprocess.check_output([python_of(environment), "-c", asked], text=True))
    assert tuple(version) == sys.version_info[:2], f".venv-{environment} has another Python than this one"
    start = f"import sys; sys.path.append({packages!r}); from api.cli.main import main; main()"
    outputs = []
    for command in commands:
        completed = subprocess.run(
            [sys.executable, "-c", start, *map(str, command)],
            cwd=ROOT,
            env=os.environ | {"EFFSPINE_DATA_DIR": str(data_dir)},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert completed.returncode == 0, completed.stderr[-8000:]
        outputs.append(completed.stdout)
    return outputs
