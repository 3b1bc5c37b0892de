"""A process that is always started again, as systemd (`Restart=always`) or Compose (`restart: always`) would do."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.support.process_table import below, kill
from tests.support.waiting import wait_for

RESTART_SECONDS = 0.2
END_SECONDS = 40.0


class Unit:
    """Keeps `command` running from `start()` to `end()`, in a session of its own, and its output in `log`.

    `how` are further arguments of `subprocess.Popen`.
    """

    def __init__(self, name: str, command: Sequence[str | Path], log: Path, **how: Any) -> None:
        self.name = name
        self._command = list(command)
        self._log = log
        self._how = how
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._wanted = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=name, daemon=True)

    @property
    def pid(self) -> int:
        """The id of the process that runs now, or ran last."""
        assert self._process is not None, f"{self.name} was never started"
        return self._process.pid

    def start(self) -> None:
        """Starts it, from now on after every end of it."""
        with self._lock:
            self._wanted = True
        if not self._thread.is_alive():
            self._thread.start()
        wait_for(lambda: self._process is not None, 10, f"the start of {self.name}")

    def kill(self) -> None:
        """SIGKILL to its process."""
        kill(self.pid)

    def kill_all(self) -> None:
        """SIGKILL to its process and to those below it."""
        kill(self.pid, *(process.pid for process in below(self.pid)))

    def hold(self) -> None:
        """Kills it and those below it, and leaves it down until it is started again."""
        with self._lock:
            self._wanted = False
        self.kill_all()

    def end(self, number: int) -> None:
        """Ends it for good: asked with this signal, killed where it does not listen."""
        with self._lock:
            self._wanted = False
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
        """The end of what it has written."""
        with suppress(FileNotFoundError):
            return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])
        return ""

    def _keep(self) -> None:
        while not self._ended.is_set():
            process = self._begin()
            if process is not None:
                process.wait()
            self._ended.wait(RESTART_SECONDS)

    def _begin(self) -> subprocess.Popen[bytes] | None:
        with self._lock, self._log.open("ab") as output:
            if self._wanted:
                how = {"stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT, **self._how}
                self._process = subprocess.Popen(self._command, stdout=output, start_new_session=True, **how)
                return self._process
            return None
