"""When a training reports its progress, is scored, and writes a checkpoint."""

from __future__ import annotations

import math
import time

PROGRESS_SECONDS = 1.0


class RateLimit:
    """Limits reports to one every `PROGRESS_SECONDS` seconds."""

    def __init__(self) -> None:
        self._last = -math.inf

    def allows(self, *, always: bool) -> bool:
        """Whether a report is due now, or `always` demands it."""
        now = time.perf_counter()
        if not always and now - self._last < PROGRESS_SECONDS:
            return False
        self._last = now
        return True


def is_due(step: int, every: int) -> bool:
    """Whether an action with a period of `every` steps follows this step; a period of 0 means never."""
    return every > 0 and step % every == 0
