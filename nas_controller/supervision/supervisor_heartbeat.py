"""A supervisor's own sign of life in the record, for those who wonder why a campaign waits."""

from __future__ import annotations

import os
import socket
import time
import uuid
from contextlib import suppress
from importlib.metadata import version

from nas_controller.store import Store, StoreUnavailableError

BEAT_SECONDS = 5.0


class SupervisorHeartbeat:
    """Says every BEAT_SECONDS, when asked to, that this supervisor is alive."""

    def __init__(self) -> None:
        self.id = f"s-{os.getpid()}-{uuid.uuid4().hex[:12]}"
        self._next = 0.0

    def beat(self, store: Store) -> None:
        """Writes the sign of life where it is time. Raises StoreUnavailableError."""
        now = time.monotonic()
        if now >= self._next:
            store.runner.record_heartbeat(self.id, socket.gethostname()[:255], os.getpid(), version("effspine"))
            self._next = now + BEAT_SECONDS

    def end(self, store: Store) -> None:
        """Takes it back: this supervisor ends in order. Where the store is away, it is seen to be gone later."""
        with suppress(StoreUnavailableError):
            store.runner.remove_supervisor(self.id)
