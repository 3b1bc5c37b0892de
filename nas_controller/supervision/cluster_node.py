"""Joins a supervisor's machine to a Ray cluster as a node without CPUs: only a process on a node can drive a cluster.

The node is a child process (`ray start --block`), restarted with exponential backoff whenever it ends, so the head may
be unavailable for a while.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from nas_controller.supervision.process_session import kill_session
from nas_controller.supervision.runner_protocol import DATABASE_URL_VARIABLE

logger = logging.getLogger(__name__)

LOCAL = "auto"
"""The address that means the cluster of which this machine is already a node."""
_MAY_JOIN = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"  # 0 restricts Ray to one machine, on any operating system
_OBJECT_STORE_BYTES = 100 * 2**20
_FIRST_BACKOFF_SECONDS, _MAX_BACKOFF_SECONDS = 1.0, 10.0
_STABLE_SECONDS = 30.0
_END_SECONDS = 10.0


class ClusterNode:
    """This machine's node in the cluster at `address` (`host:port` of its head); its output goes to `log`."""

    def __init__(self, address: str, log: Path) -> None:
        self._address = address
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._backoff = _FIRST_BACKOFF_SECONDS
        self._not_before = 0.0

    @property
    def is_stable(self) -> bool:
        """Whether the head has dropped earlier nodes of this machine, to which it could still direct a runner."""
        if self._address == LOCAL:
            return True
        is_running = self._process is not None and self._process.poll() is None
        return is_running and time.monotonic() - self._started > _STABLE_SECONDS

    def ensure_running(self) -> None:
        """Starts the node if it does not run and the backoff is over. Raises OSError if it cannot be started."""
        if self._address == LOCAL:
            return
        now = time.monotonic()
        if self._process is not None:
            if self._process.poll() is None:
                return
            logger.warning("the node in the cluster %s has ended; its log is %s", self._address, self._log)
            kill_session(self._process.pid)
            self._process = None
            if now - self._started > _STABLE_SECONDS:
                self._backoff = _FIRST_BACKOFF_SECONDS
            self._not_before = now + self._backoff
            self._backoff = min(2 * self._backoff, _MAX_BACKOFF_SECONDS)
        if now >= self._not_before:
            self._start(now)

    def stop(self) -> None:
        """Removes the machine from the cluster."""
        if self._process is not None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_SECONDS)
            kill_session(self._process.pid)
            self._process.wait()
            self._process = None

    def _start(self, now: float) -> None:
        command = [
            *(sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats"),
            *("--address", self._address, "--num-cpus", "0", "--num-gpus", "0"),
            *("--object-store-memory", str(_OBJECT_STORE_BYTES)),
        ]
        self._log.parent.mkdir(parents=True, exist_ok=True)
        environment = {"RAY_AUTH_MODE": "token", **os.environ, _MAY_JOIN: "1"}
        environment.pop(DATABASE_URL_VARIABLE, None)  # nodes know no database, and its URL may have a password
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=environment,
            )
        self._started = now
        logger.info("joining the cluster %s as a node without CPUs, log in %s", self._address, self._log)
