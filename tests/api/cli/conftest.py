"""The command line as a person calls it, and a service on a free port of this machine."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from api.app import create_app
from api.cli.main import run
from api.serving import listen
from api.settings import Settings
from nas_controller.store import Store


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)


class CommandLine:
    """Runs `effspine` with an environment of its own: in this process, or, where that matters, in one of its own."""

    def __init__(self, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.whole_environment = os.environ | environment
        self._monkeypatch = monkeypatch

    def __call__(self, *arguments: str, stdin: str = "") -> Done:
        out, err = io.StringIO(), io.StringIO()
        with self._monkeypatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name, value in self.whole_environment.items():
                patch.setenv(name, value)
            patch.setattr(sys, "stdin", io.StringIO(stdin))
            status = run(arguments)
        return Done(status, out.getvalue(), err.getvalue())

    def apart(self, *arguments: str, **variables: str) -> Done:
        """Runs it in a process of its own."""
        command = [sys.executable, "-m", "api.cli.main", *arguments]
        environment = self.whole_environment | variables
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
        return Done(done.returncode, done.stdout, done.stderr)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture
def port() -> int:
    """A free port."""
    return free_port()


@pytest.fixture
def effspine(tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The command line with a data directory and a service address of its own."""
    return CommandLine(
        {
            "EFFSPINE_ALLOWED_HOSTS": "",
            "EFFSPINE_API_KEY": "",
            "EFFSPINE_DATA_DIR": str(tmp_path / "data"),
            "EFFSPINE_DATABASE_URL": "",
            "EFFSPINE_DEBUG": "",
            "EFFSPINE_HOST": "",
            "EFFSPINE_PORT": "",
            "EFFSPINE_URL": f"http://127.0.0.1:{port}",
            "COLUMNS": "200",
        },
        monkeypatch,
    )


@pytest.fixture
def served(tmp_path: Path, port: int) -> Iterator[Store]:
    """A service without a supervisor at `port`; its store."""
    settings = Settings(data_dir=tmp_path / "data", port=port)
    store = Store.open(settings.database_url)
    config = uvicorn.Config(create_app(settings, store), log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    # The socket listens before the server runs, so nobody is turned away meanwhile.
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listen(settings)]})
    thread.start()
    yield store
    server.should_exit = True
    thread.join()
    store.close()
