"""SIGINT and SIGTERM as a request to stop after the current step."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from search_space.terminal import note

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Termination:
    """Whether a signal has asked this process to stop, and which one, None before."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def is_requested(self) -> bool:
        """Whether a signal has come."""
        return self.signal is not None

    @property
    def exit_status(self) -> int:
        """The conventional status of a process that ends because of the signal: 130 or 143."""
        return 128 + (self.signal or 0)


@contextmanager
def termination_requests() -> Iterator[Termination]:
    """In the block, the first signal is a request, and the second ends the process as usual. Main thread only."""
    requested = Termination()

    def request(number: int, frame: FrameType | None) -> None:
        requested.signal = number
        for each in _SIGNALS:
            signal.signal(each, before[each] or signal.SIG_DFL)
        note("saving after this step; the same signal again ends at once")

    before = {each: signal.signal(each, request) for each in _SIGNALS}
    try:
        yield requested
    finally:
        for each in _SIGNALS:
            signal.signal(each, before[each] or signal.SIG_DFL)
