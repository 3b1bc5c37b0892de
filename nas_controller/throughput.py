"""The observed throughput of trainings: the mean interval between their ends, and how many run at once.

static/time-left.js has the same rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate, pairwise
from statistics import fmean

PAUSE_SECONDS = 60.0
PAUSE_FACTOR = 3.0
"""Nothing has run in an interval between two ends that is longer than PAUSE_SECONDS and PAUSE_FACTOR trainings."""


def mean_interval(ends: Iterable[float], longest_training: float, at_once: int) -> float | None:
    """Mean seconds between the ends of trainings, `at_once` together, of which the longest took `longest_training`.

    `ends` are in seconds. Pauses are left out. None until more have ended than train at once, since these may all have
    begun together, and where all intervals are 0.
    """
    longest = max(PAUSE_SECONDS, PAUSE_FACTOR * longest_training)
    intervals = [later - earlier for earlier, later in pairwise(sorted(ends)) if later - earlier <= longest]
    return fmean(intervals) if len(intervals) >= at_once and sum(intervals) > 0 else None


def most_at_once(spans: Iterable[tuple[float, float | None]], parallelism: int) -> int:
    """The most trainings that workers have run at one time, from 1 to `parallelism`.

    `spans` are the begins by the workers and the ends in seconds, None where the training still runs.
    """
    begins_and_ends: list[tuple[float, int]] = []
    for began, ended in spans:
        begins_and_ends.append((began, 1))
        if ended is not None:
            begins_and_ends.append((ended, -1))  # sorts before a begin at the same time
    running = accumulate(change for _, change in sorted(begins_and_ends))
    return max(1, min(parallelism, max(running, default=0)))
