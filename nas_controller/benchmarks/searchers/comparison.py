"""What the runs of the searchers say: means with 95 % intervals, and how many trials random search's value takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from nas_controller.benchmarks.searchers.landscapes import Landscape
from nas_controller.benchmarks.searchers.runs import Document, Key, Run

_LEVEL = 0.95
_RESAMPLES = 2_000
_POINTS = (10, 20, 50, 100, 150, 200, 250, 300, 400, 500, 750)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class SearcherResult:
    """A searcher on a landscape.

    `mean`, `low` and `high` are the true value of the incumbent after each trial [trials]. `final` is the last.
    `trials_to_random` is how many trials its mean takes to random search's final mean, None if it does not get there;
    the interval is a bootstrap over seeds. `over_reinforce` is the difference of the final values to `reinforce`
    (Welch's interval), None for itself. `repeats` is the mean number of skipped proposals.
    """

    label: str
    controller: Document
    mean: Floats
    low: Floats
    high: Floats
    final: Interval
    trials_to_random: Interval | None
    over_reinforce: Interval | None
    repeats: float

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON values; of the curves, some points."""
        trials = len(self.mean)
        points = [point for point in _POINTS if point < trials] + [trials]
        return {
            "label": self.label,
            "controller": self.controller,
            "final": vars(self.final),
            "trials_to_random": None if self.trials_to_random is None else vars(self.trials_to_random),
            "over_reinforce": None if self.over_reinforce is None else vars(self.over_reinforce),
            "repeats": self.repeats,
            "curve": [
                {"trials": point, **{name: float(getattr(self, name)[point - 1]) for name in ("mean", "low", "high")}}
                for point in points
            ],
        }


@dataclass(frozen=True)
class LandscapeResult:
    """All searchers on a landscape with this noise."""

    name: str
    noise: float
    searchers: tuple[SearcherResult, ...]

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON values."""
        return {"name": self.name, "noise": self.noise, "searchers": [each.to_dict() for each in self.searchers]}


def compare(
    landscapes: Sequence[Landscape], controllers: Mapping[str, Document], runs: Mapping[Key, Run], seeds: int
) -> tuple[LandscapeResult, ...]:
    """The results of all runs. The controllers, by label, include `random` and `reinforce`."""
    labels = list(controllers)
    results = []
    for place, landscape in enumerate(landscapes):
        curves = {
            label: np.stack([runs[place, which, seed].incumbent for seed in range(1, seeds + 1)])
            for which, label in enumerate(labels)
        }
        goal = float(curves["random"][:, -1].mean())
        searchers = []
        for which, label in enumerate(labels):
            repeats = [runs[place, which, seed].repeats for seed in range(1, seeds + 1)]
            reference = None if label == "reinforce" else curves["reinforce"][:, -1]
            mean, low, high = _interval_of_mean(curves[label])
            searchers.append(
                SearcherResult(
                    label,
                    controllers[label],
                    mean,
                    low,
                    high,
                    Interval(float(mean[-1]), float(low[-1]), float(high[-1])),
                    trials_to(curves[label], goal),
                    None if reference is None else difference(curves[label][:, -1], reference),
                    float(np.mean(repeats)),
                )
            )
        results.append(LandscapeResult(landscape.name, landscape.noise, tuple(searchers)))
    return tuple(results)


def trials_to(curves: Floats, goal: float) -> Interval | None:
    """The first trial at which the mean of the curves [seeds, trials] is at least `goal`; None if it never is.

    The interval is a bootstrap over the seeds; a resample that does not get there counts as all trials.
    """
    seeds, trials = curves.shape
    reached = np.flatnonzero(curves.mean(axis=0) >= goal)
    if not len(reached):
        return None
    resamples = np.random.default_rng(0).multinomial(seeds, [1.0 / seeds] * seeds, size=_RESAMPLES) / seeds
    is_reached = resamples @ curves >= goal
    first = np.where(is_reached.any(axis=1), is_reached.argmax(axis=1) + 1, trials)
    low, high = np.quantile(first, [(1.0 - _LEVEL) / 2.0, (1.0 + _LEVEL) / 2.0])
    return Interval(float(reached[0] + 1), float(low), float(high))


def difference(values: Floats, reference: Floats) -> Interval:
    """The mean of `values` minus that of `reference`, with Welch's interval."""
    value = float(values.mean() - reference.mean())
    variances = [float(each.var(ddof=1)) / len(each) for each in (values, reference)]
    if sum(variances) == 0.0:
        return Interval(value, value, value)
    freedom = sum(variances) ** 2 / sum(
        variance**2 / (len(each) - 1) for variance, each in zip(variances, (values, reference), strict=True)
    )
    half = float(stats.t.ppf((1.0 + _LEVEL) / 2.0, freedom)) * sum(variances) ** 0.5
    return Interval(value, value - half, value + half)


def _interval_of_mean(curves: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean and interval by Student's t [trials] of curves [seeds, trials]."""
    seeds = len(curves)
    mean = curves.mean(axis=0)
    half = float(stats.t.ppf((1.0 + _LEVEL) / 2.0, seeds - 1)) * curves.std(axis=0, ddof=1) / np.sqrt(seeds)
    return mean, mean - half, mean + half
