"""SIGTERM as a request to end, which the main loop of a process asks for."""

from __future__ import annotations

import signal
from types import FrameType


class StopSignal:
    """Whether this process has received SIGTERM since this object was made. Make it in the main thread."""

    def __init__(self) -> None:
        self._is_set = False
        signal.signal(signal.SIGTERM, self._set)

    def is_set(self) -> bool:
        """Whether the signal has come."""
        return self._is_set

    def _set(self, _number: int, _frame: FrameType | None) -> None:
        self._is_set = True
