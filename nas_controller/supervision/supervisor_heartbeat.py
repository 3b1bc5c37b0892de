"""A supervisor's heartbeat in the database, which shows whether campaigns wait because no supervisor runs."""

from __future__ import annotations

import os
import socket
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version

from nas_controller.store import Store, StoreUnavailableError

HEARTBEAT_SECONDS = 5.0


class SupervisorHeartbeat:
    """Records at most every HEARTBEAT_SECONDS that this supervisor is alive.

    `processors` are those of its machine, None on a cluster; `max_parallelism` is its limit of trials at once.
    """

    def __init__(self, processors: int | None = None, max_parallelism: int | None = None) -> None:
        self._capacity = (processors, max_parallelism)
        self.id = f"s-{os.getpid()}-{uuid.uuid4().hex[:12]}"
        self._next = 0.0

    def record(self, store: Store, failing_sinks: Mapping[str, str]) -> None:
        """Records a heartbeat if one is due, with the cause for each sink that cannot be written.

        Raises StoreUnavailableError.
        """
        now = time.monotonic()
        if now >= self._next:
            host, pid = socket.gethostname()[:255], os.getpid()
            store.runner.record_heartbeat(self.id, host, pid, version("effspine"), failing_sinks, *self._capacity)
            self._next = now + HEARTBEAT_SECONDS

    def remove(self, store: Store) -> None:
        """Removes the heartbeat of a supervisor that shuts down; if the database is unavailable, it expires."""
        with suppress(StoreUnavailableError):
            store.runner.remove_supervisor(self.id)
