"""Early stopping by the median rule, on the intermediate APs of trials.

A trial whose AP at a step is below the median AP of earlier trials at the same step ends there. Its reward is that AP,
which is measured on the reserved images like every reward. The rule uses only values in the database, so
`nas_controller.campaigns.replay` repeats the decisions and compares them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from nas_controller.search.stop_spec import EarlyStoppingSpec
from nas_controller.states import BASELINE_TRIAL


@dataclass(frozen=True)
class EarlyStop:
    """Why a trial was stopped: its AP after `step` steps, and the median of `trials` earlier trials at that step."""

    step: int
    ap: float
    median: float
    trials: int

    def to_dict(self) -> dict[str, Any]:
        """The decision as the data of the trial's event."""
        return asdict(self)


class MedianRule:
    """The rule of one campaign. `points` are the intermediate APs so far, as (trial, step, AP)."""

    def __init__(self, spec: EarlyStoppingSpec, points: Iterable[tuple[int, int, float]]) -> None:
        self._min_trials = spec.min_trials
        self._at: dict[int, dict[int, float]] = defaultdict(dict)
        self._completed: set[int] = set()
        for point in points:
            self.measured(*point)

    def measured(self, number: int, step: int, ap: float) -> None:
        """Adds the AP of a trial at a step."""
        self._at[step][number] = ap

    def completed(self, number: int) -> None:
        """Adds a trial with a reward: later ones are compared with it."""
        self._completed.add(number)

    def verdict(self, number: int, step: int, ap: float) -> EarlyStop | None:
        """The decision to stop a trial; None if it continues.

        The uniform baseline is never stopped, nor is any trial until `min_trials` trials with a reward have an AP at
        this step.
        """
        others = [
            other_ap for other, other_ap in self._at[step].items() if other in self._completed and other != number
        ]
        if number == BASELINE_TRIAL or len(others) < self._min_trials:
            return None
        median_ap = median(others)
        return EarlyStop(step, ap, median_ap, len(others)) if ap < median_ap else None
