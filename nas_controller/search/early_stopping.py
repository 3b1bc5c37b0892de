"""Early stopping by the median rule, on the intermediate APs of trials.

A trial whose AP after some steps is below the median that earlier trials had after as many steps ends there, with that
AP as its reward: it is measured on the reserved images like every other, only sooner. The rule uses only what the
database has, so `nas_controller.campaigns.replay` decides again and compares.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from nas_controller.search.campaign_spec import EarlyStoppingSpec
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
        """Adds the AP of a trial after so many steps."""
        self._at[step][number] = ap

    def completed(self, number: int) -> None:
        """Adds a trial with a reward: from now on others are compared with it."""
        self._completed.add(number)

    def verdict(self, number: int, step: int, ap: float) -> EarlyStop | None:
        """The decision to stop a trial; None where it goes on.

        The uniform baseline is never stopped, and no trial before `min_trials` trials with a reward have an AP at this
        step.
        """
        others = [known for other, known in self._at[step].items() if other in self._completed and other != number]
        if number == BASELINE_TRIAL or len(others) < self._min_trials:
            return None
        middle = median(others)
        return EarlyStop(step, ap, middle, len(others)) if ap < middle else None
