"""A service as a process, with SQLite, on a free port of 127.0.0.1."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from api.client import Client
from tests.support.command_line import free_port, wait_until_ready

STOP_SECONDS = 60


class Served:
    """A service with its own data directory; entering the context starts it, leaving it stops it.

    `serve` runs campaigns with Ray; `api` runs none, so that its records stay as a test has written them.
    """

    def __init__(self, data_dir: Path, *arguments: str, command: Literal["serve", "api"] = "serve") -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_path = data_dir / "served.log"
        self._arguments = (command, "--port", str(self.port), *arguments)
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Starts the service, again at the same address if it has been killed, and waits until it is ready."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("EFFSPINE_")}
        command = [sys.executable, "-m", "api.cli.main", *self._arguments]
        with self.log_path.open("a") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**environment, "EFFSPINE_DATA_DIR": str(self.data_dir)}, text=True
            )
        wait_until_ready(self.url, self._process)

    def kill(self) -> None:
        """Kills the service's process without a warning."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """Asks the service to stop; its exit status."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        return self._process.wait(STOP_SECONDS)

    def client(self) -> Client:
        """A client of the service."""
        return Client(self.url)
