"""A process that is restarted whenever it ends, as systemd (`Restart=always`) or Compose (`restart: always`) does."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.support.process_table import descendant_pids, kill
from tests.support.waiting import wait_for

RESTART_SECONDS = 0.2
END_SECONDS = 40.0


class Unit:
    """Keeps `command` running from `start()` to `end()`, in a new session, with its output in `log`.

    `popen_options` are further arguments of `subprocess.Popen`.
    """

    def __init__(self, name: str, command: Sequence[str | Path], log: Path, **popen_options: Any) -> None:
        self.name = name
        self._command = list(command)
        self._log = log
        self._popen_options = popen_options
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._should_run = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._restart_loop, name=name, daemon=True)

    @property
    def pid(self) -> int:
        """The id of the running process, or of the latest one."""
        assert self._process is not None, f"{self.name} was never started"
        return self._process.pid

    def start(self) -> None:
        """Starts the process, and restarts it whenever it ends."""
        with self._lock:
            self._should_run = True
        if not self._thread.is_alive():
            self._thread.start()
        wait_for(lambda: self._process is not None, f"the start of {self.name}")

    def kill(self) -> None:
        """Sends SIGKILL to the process."""
        kill(self.pid)

    def kill_all(self) -> None:
        """Sends SIGKILL to the process and its descendants."""
        kill(self.pid, *descendant_pids(self.pid))

    def stop(self) -> None:
        """Kills the process and its descendants, and does not restart it until `start()`."""
        with self._lock:
            self._should_run = False
        self.kill_all()

    def end(self, number: int) -> None:
        """Ends the process permanently: with this signal, or with SIGKILL if that takes longer than END_SECONDS."""
        with self._lock:
            self._should_run = False
            self._ended.set()
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill_all()
            self._process.wait()
        self._thread.join()

    def tail(self, lines: int = 10) -> str:
        """The last lines of its output."""
        with suppress(FileNotFoundError):
            return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])
        return ""

    def _restart_loop(self) -> None:
        while not self._ended.is_set():
            process = self._spawn()
            if process is not None:
                process.wait()
            self._ended.wait(RESTART_SECONDS)

    def _spawn(self) -> subprocess.Popen[bytes] | None:
        with self._lock, self._log.open("ab") as output:
            if self._should_run:
                options = {"stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT, **self._popen_options}
                self._process = subprocess.Popen(self._command, stdout=output, start_new_session=True, **options)
                return self._process
            return None
