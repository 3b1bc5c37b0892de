"""Whether a trial is stopped before its end: the median rule, on the APs that trainings report in between.

A trial whose AP after some steps lies below the median of what earlier trials had after as many is stopped there. It
takes that AP as its reward: measured on the reserved images like every other, only sooner. The rule knows nothing but
what the record has, so `nas_controller.campaigns.replay` decides again and compares.
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
    """Why a trial was stopped: its AP after `step` steps, and the median that `trials` earlier ones had then."""

    step: int
    ap: float
    median: float
    trials: int

    def to_dict(self) -> dict[str, Any]:
        """As it stands in the event of the trial."""
        return asdict(self)


class MedianRule:
    """The rule of one campaign. `points` are (trial, step, AP) as far as they are known."""

    def __init__(self, spec: EarlyStoppingSpec, points: Iterable[tuple[int, int, float]]) -> None:
        self._min_trials = spec.min_trials
        self._at: dict[int, dict[int, float]] = defaultdict(dict)
        self._completed: set[int] = set()
        for point in points:
            self.measured(*point)

    def measured(self, number: int, step: int, ap: float) -> None:
        """A trial had this AP after so many steps."""
        self._at[step][number] = ap

    def completed(self, number: int) -> None:
        """A trial has its reward: from now on others are compared with it."""
        self._completed.add(number)

    def verdict(self, number: int, step: int, ap: float) -> EarlyStop | None:
        """Whether a trial is to be stopped, and why.

        Never the uniform baseline, which all others are held against, and none before as many trials with a reward as
        the campaign asks for were measured at this step.
        """
        others = [known for other, known in self._at[step].items() if other in self._completed and other != number]
        if number == BASELINE_TRIAL or len(others) < self._min_trials:
            return None
        middle = median(others)
        return EarlyStop(step, ap, middle, len(others)) if ap < middle else None
