"""The command line, and services on free ports of this machine."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.cli.main import run
from api.loopback import free_port as free_port

START_SECONDS = 60


@dataclass(frozen=True)
class CommandResult:
    """Exit status and output of a command."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON document on standard output."""
        return json.loads(self.out)


class CommandLine:
    """Runs `effspine` with its own environment, in this process or in a new one."""

    def __init__(self, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.environment = os.environ | environment
        self._monkeypatch = monkeypatch

    @classmethod
    def on_port(cls, port: int, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
        """The command line of a service at this port with this data directory, and no other settings."""
        environment = {
            "EFFSPINE_ALLOWED_HOSTS": "",
            "EFFSPINE_API_KEY": "",
            "EFFSPINE_DATA_DIR": str(data_dir),
            "EFFSPINE_DATABASE_URL": "",
            "EFFSPINE_DEBUG": "",
            "EFFSPINE_HOST": "",
            "EFFSPINE_PORT": "",
            "EFFSPINE_URL": f"http://127.0.0.1:{port}",
            "COLUMNS": "200",
        }
        return cls(environment, monkeypatch)

    def __call__(self, *arguments: str, stdin: str = "") -> CommandResult:
        out, err = io.StringIO(), io.StringIO()
        with self._monkeypatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name, value in self.environment.items():
                patch.setenv(name, value)
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), "utf-8"))
            status = run(arguments)
        return CommandResult(status, out.getvalue(), err.getvalue())

    def run_in_new_process(self, *arguments: str, **variables: str) -> CommandResult:
        """Runs the command in a new process."""
        command = [sys.executable, "-m", "api.cli.main", *arguments]
        environment = self.environment | variables
        completed = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
        return CommandResult(completed.returncode, completed.stdout, completed.stderr)


def wait_until_ready(url: str, process: subprocess.Popen[str]) -> None:
    """Waits until the service at `url`, run by `process`, is ready."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"the service is not ready; its status is {process.poll()}")
