"""The observed throughput of trainings: the mean interval between their ends. static/time-left.js has the same rule."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from statistics import fmean

PAUSE_SECONDS = 60.0
PAUSE_FACTOR = 3.0
"""Nothing has run in an interval between two ends that is longer than PAUSE_SECONDS and PAUSE_FACTOR trainings."""


def mean_interval(ends: Iterable[float], longest_training: float, parallelism: int) -> float | None:
    """Mean seconds between the ends of trainings, `parallelism` at once, of which the longest took `longest_training`.

    `ends` are in seconds. Pauses are left out. None until more have ended than train at once, since these may all have
    begun together, and where all intervals are 0.
    """
    longest = max(PAUSE_SECONDS, PAUSE_FACTOR * longest_training)
    intervals = [later - earlier for earlier, later in pairwise(sorted(ends)) if later - earlier <= longest]
    return fmean(intervals) if len(intervals) >= parallelism and sum(intervals) > 0 else None
