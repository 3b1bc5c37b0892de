"""The service as a child process of a command, unless it is running already."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import httpx

from api.client import Client, ServiceRefusedError, ServiceUnreachableError
from api.documents import HealthDocument
from api.service_url import KEY_VARIABLE, key_header
from nas_controller.supervision.runner_protocol import DATABASE_URL_VARIABLE
from search_space.errors import EffspineError

if TYPE_CHECKING:
    from api.settings import Settings

PROBE_SECONDS = 3.0
START_SECONDS = 60.0
STOP_SECONDS = 30.0
POLL_SECONDS = 0.1
LOG_FILE = "service.log"
TAIL_LINES = 12


class ChildService:
    """`effspine serve` as a child process, or the service that already uses the port.

    Entering the context starts the child, leaving it stops the child; a service that was running before keeps running.
    Raises EffspineError if another program or another service uses the port.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.log_path = settings.data_dir / "logs" / LOG_FILE
        self.is_child = True
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.is_child = not self._is_running()
        if self.is_child:
            self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None:
            return
        try:
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGTERM)
                self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        finally:
            if self._process.stdin is not None:
                self._process.stdin.close()

    def wait_until_ready(self, client: Client) -> None:
        """Returns once the service is ready. Raises EffspineError, with the log tail, if it exits or takes too long."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            self.check()
            try:
                client.ready()
                return
            except (ServiceUnreachableError, ServiceRefusedError) as error:
                if time.monotonic() > deadline:
                    raise EffspineError(f"the service is not ready after {START_SECONDS:.0f} s: {error}") from error
                time.sleep(POLL_SECONDS)

    def check(self) -> None:
        """Raises EffspineError, with the log tail, if the child has exited."""
        if self._process is not None and self._process.poll() is not None:
            raise EffspineError(f"the service has exited: {log_tail(self.log_path, 3)} (log: {self.log_path})")

    def _is_running(self) -> bool:
        settings = self.settings
        try:
            url = f"{settings.url}/healthz"
            response = httpx.get(url, timeout=PROBE_SECONDS, trust_env=False, headers=key_header())
            health = HealthDocument.model_validate(response.json())
        except httpx.ConnectError:
            return False
        except (httpx.HTTPError, ValueError) as error:
            raise self._port_error() from error
        if health.data_dir is None:
            raise EffspineError(
                f"the effspine at {settings.url} requires an API key; set {KEY_VARIABLE} to one with scope "
                "operate, or use another port with --port"
            )
        if health.data_dir != str(settings.data_dir):
            raise EffspineError(
                f"port {settings.port} on {settings.host} is taken by an effspine with data directory "
                f"{health.data_dir}, not {settings.data_dir}; use another port with --port"
            )
        return True

    def _port_error(self) -> EffspineError:
        return EffspineError(
            f"port {self.settings.port} on {self.settings.host} is taken by another program; "
            "use another one with --port"
        )

    def _start(self) -> None:
        settings = self.settings
        command = [sys.executable, "-m", "api.cli.main", "serve", "--host", settings.host, "--port", str(settings.port)]
        command += ["--data-dir", str(settings.data_dir), "--watch-stdin"]
        environment = {**os.environ, DATABASE_URL_VARIABLE: settings.database_url}  # a command line shows its password
        try:
            self.log_path.parent.mkdir(parents=True, exist_ok=True)
            with self.log_path.open("wb") as log:
                # Its own process group: Ctrl-C reaches only this command, which then shuts the service down. However
                # this process ends, the pipe closes and the service ends too.
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True, env=environment
                )
        except OSError as error:
            raise EffspineError(f"cannot write {self.log_path}: {error.strerror}") from error


def log_tail(path: Path, lines: int = TAIL_LINES) -> str:
    """The last lines of a log, or a message that there is none."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return f"no log at {path}"
    return "\n".join(text.rstrip().splitlines()[-lines:]) or "its log is empty"
