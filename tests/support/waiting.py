"""Polling with a time limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

POLL_SECONDS = 0.05

DEADLINE_SECONDS = 280.0
"""Far longer than any wait of a test on a busy machine: it ends a test that hangs."""

T = TypeVar("T")


class WaitTimeoutError(Exception):
    """A condition was not met in time."""


def wait_for(find: Callable[[], T | None], what: str, seconds: float = DEADLINE_SECONDS) -> T:
    """The first true result of `find()`. Raises WaitTimeoutError, which names `what`, after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := find()):
        if time.monotonic() > deadline:
            raise WaitTimeoutError(f"waited {seconds:.0f} s for {what}")
        time.sleep(POLL_SECONDS)
    return found
