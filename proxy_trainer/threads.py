"""How many threads a computation has."""

from __future__ import annotations

import os


def thread_count(wanted: int | None = None) -> int:
    """`wanted`; for 0 or None, the number of processors that this process may use."""
    return wanted or len(os.sched_getaffinity(0))
