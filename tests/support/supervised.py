"""A supervisor that runs in a thread during a test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from nas_controller.supervision.supervisor import Supervisor


@contextmanager
def supervising(supervisor: Supervisor) -> Iterator[None]:
    """Runs the supervisor until the block ends."""
    stop = threading.Event()
    thread = threading.Thread(target=supervisor.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(120)
    assert not thread.is_alive()
