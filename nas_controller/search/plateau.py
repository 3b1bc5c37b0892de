"""When a search is on a plateau: it has brought nothing better for so long that more of it may be a waste."""

from __future__ import annotations

PLATEAU_TRIALS, PLATEAU_SHARE = 100, 0.5
"""A search is on a plateau once so many trials, and this share of all, have brought nothing better."""


def is_on_plateau(trials_since_best: int, trials_finished: int) -> bool:
    """Whether a search is on a plateau; only a new best ends it."""
    return trials_since_best >= max(PLATEAU_TRIALS, PLATEAU_SHARE * trials_finished)


def begins_plateau(trials_since_best: int, trials_finished: int) -> bool:
    """Whether a search has reached a plateau with its latest outcome: once for every best."""
    was_on_plateau = is_on_plateau(trials_since_best - 1, trials_finished - 1)
    return is_on_plateau(trials_since_best, trials_finished) and not was_on_plateau
