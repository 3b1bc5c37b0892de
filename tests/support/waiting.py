"""Waiting for something, never for ever."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

LOOK_SECONDS = 0.05

T = TypeVar("T")


class NeverCameError(Exception):
    """What was waited for has not come in time."""


def wait_for(find: Callable[[], T | None], seconds: float, what: str) -> T:
    """The first result of `find()` that is true. Raises NeverCameError, naming `what`, after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := find()):
        if time.monotonic() > deadline:
            raise NeverCameError(f"waited {seconds:.0f} s for {what}")
        time.sleep(LOOK_SECONDS)
    return found
