"""Runs a script in this environment, in a new process that cannot import effspine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PACKAGES = ("api", "exporters", "nas_controller", "proxy_trainer", "search_space")
_START = (
    "import runpy, sys; "
    f"sys.modules.update(dict.fromkeys({PACKAGES})); "
    "del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"
)


def run_without_effspine(script: Path, *arguments: object, timeout_s: float = 280) -> str:
    """The standard output of a script; asserts that it succeeds."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    completed = subprocess.run(
        [sys.executable, "-c", _START, str(script), *map(str, arguments)],
        cwd=script.parent,
        env=environment | {"TF_CPP_MIN_LOG_LEVEL": "2"},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr[-8000:]
    return completed.stdout
