"""Estimates the values of architectures from one reward of each, so that luck alone makes no finalist.

Rewards y are regressed on x, the logarithms of the widths over those of the baseline, standardised: ridge regression,
whose penalty minimises the generalised cross-validation (Golub, Heath and Wahba, 1979). What remains, r = y - f(x), is
noise and what no linear function says. Noise is what differs between architectures that are nearly equal: the luck of
a training, and where rewards repeat exactly, as those of slices of shared weights do, the error that a slice has of its
own. Its variance is estimated without repeated measurements by the gamma test (Stefansson, Koncar and Jones, 1997): for
k = 1 to NEIGHBOURS, half the mean squared difference of r between an architecture and its k-th nearest neighbour over
their mean squared distance, extrapolated by a line to the distance 0. Its share s of the mean of r², between 0 and 1,
gives the estimate of an architecture:

    f(x) + (1 - s) r

It is the reward where similar architectures have similar ones, and the regression where r is nothing else. Of fewer
than FEWEST architectures, the gamma test says nothing, and s is one half.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nas_controller.search.finals_rules import FIRST, LATEST

DIGITS = 6
"""Estimates are rounded, so that a replay on another machine gives the same."""
FEWEST = 50
NEIGHBOURS = 10
MAX_COMPARED = 2_000
"""Architectures among which neighbours are searched: evenly spaced ones, if there are more."""
_PENALTIES = 10.0 ** np.arange(-4, 5)

FloatArray = NDArray[np.float64]


class Rewarded(NamedTuple):
    """An architecture and its only reward."""

    number: int
    widths: Sequence[int]
    reward: float


class Candidate(NamedTuple):
    """An architecture that finals may choose. `cost_ratio` is its cost, which the objective minimises, over that of the
    baseline; None where it minimises none.
    """

    number: int
    widths: Sequence[int]
    reward: float
    params: int
    cost_ratio: float | None


class Estimates(NamedTuple):
    """The estimated values by the number of the trial, and the share of noise in what the regression leaves."""

    values: Mapping[int, float]
    noise_share: float


def estimate_values(trials: Sequence[Rewarded | Candidate], baseline_widths: Sequence[int]) -> Estimates:
    """The estimated values of different architectures. A function of the trials and nothing else."""
    if not trials:
        return Estimates({}, 0.0)
    x, fitted, residuals = _regression(trials, baseline_widths)
    share = _noise_share(x, residuals)
    estimates = fitted + (1.0 - share) * residuals
    numbers = [trial.number for trial in trials]
    return Estimates(dict(zip(numbers, np.round(estimates, DIGITS).tolist(), strict=True)), round(float(share), DIGITS))


def reward_noise(trials: Sequence[Rewarded], baseline_widths: Sequence[int]) -> float | None:
    """The standard deviation of the noise of one reward.

    None for fewer than FEWEST architectures, and where the gamma test finds no noise: the rewards are equal, or
    too few or too different from one architecture to the next to tell noise from the landscape.
    """
    if len(trials) < FEWEST:
        return None
    x, _, residuals = _regression(trials, baseline_widths)
    share = _noise_share(x, residuals)
    return float(np.sqrt(share * np.mean(residuals**2))) if share > 0.0 else None


def best_estimated(
    trials: Sequence[Candidate],
    baseline_widths: Sequence[int],
    count: int,
    value: Callable[[float, float | None], float],
    rule: int = LATEST,
) -> Estimates:
    """The `count` trials whose estimates have the highest `value` with their cost ratios, in this order.

    Among equals `rule` decides (`nas_controller.search.finals_rules`).
    """
    values, noise_share = estimate_values(trials, baseline_widths)

    def rank(trial: Candidate) -> tuple[float, ...]:
        estimate = values[trial.number]
        if rule == FIRST:
            return -estimate, -trial.reward, trial.number
        return -value(estimate, trial.cost_ratio), -trial.reward, trial.params, trial.number

    return Estimates({trial.number: values[trial.number] for trial in sorted(trials, key=rank)[:count]}, noise_share)


def _regression(
    trials: Sequence[Rewarded | Candidate], baseline_widths: Sequence[int]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The standardised features [n, features], the fitted rewards [n] and the residuals [n]."""
    x = np.log([trial.widths for trial in trials]) - np.log(baseline_widths)
    y = np.array([trial.reward for trial in trials])
    x = x - x.mean(axis=0)
    spread = x.std(axis=0)
    x = x[:, spread > 0] / spread[spread > 0]
    fitted = y.mean() + _ridge(x, y - y.mean())
    return x, fitted, y - fitted


def _ridge(x: FloatArray, y: FloatArray) -> FloatArray:
    """The fitted values of centred `y` [n] by centred `x` [n, features], with the penalty of the smallest GCV."""
    variances, axes = np.linalg.eigh(x.T @ x)
    variances = np.maximum(variances, 0.0)
    projected = axes.T @ (x.T @ y)
    best, lowest = np.zeros_like(y), np.inf
    for penalty in _PENALTIES * len(y):
        fitted = x @ (axes @ (projected / (variances + penalty)))
        freedom = len(y) - 1 - float(np.sum(variances / (variances + penalty)))
        if freedom <= 0:
            continue
        score = float(np.mean((y - fitted) ** 2)) / freedom**2
        if score < lowest:
            best, lowest = fitted, score
    return best


def _noise_share(x: FloatArray, residuals: FloatArray) -> float:
    """The share of noise in the mean square of the residuals, by the gamma test."""
    if len(x) < FEWEST:
        return 0.5
    every = -(-len(x) // MAX_COMPARED)
    x, residuals = x[::every], residuals[::every]
    total = float(np.mean(residuals**2))
    if total == 0.0:
        return 0.0
    squares = np.sum(x**2, axis=1)
    distances = np.maximum(squares[:, None] + squares[None, :] - 2.0 * (x @ x.T), 0.0)
    np.fill_diagonal(distances, np.inf)
    nearest = nearest_columns(distances, NEIGHBOURS)
    delta = np.take_along_axis(distances, nearest, axis=1).mean(axis=0)
    gamma = 0.5 * np.mean((residuals[:, None] - residuals[nearest]) ** 2, axis=0)
    variance = float(np.sum((delta - delta.mean()) ** 2))
    slope = 0.0 if variance == 0.0 else float(np.sum((delta - delta.mean()) * gamma)) / variance
    return float(np.clip((gamma.mean() - slope * delta.mean()) / total, 0.0, 1.0))


def nearest_columns(distances: FloatArray, count: int) -> NDArray[np.intp]:
    """The columns of the `count` smallest values of each row, nearest first; of equal ones, the first columns.

    The same as a stable sort of the rows, of which it takes a third of the time.
    """
    furthest = np.partition(distances, count - 1, axis=1)[:, count - 1 : count]
    _, found = np.nonzero(distances <= furthest)
    if len(found) != count * len(distances):  # ties with the furthest
        return np.argsort(distances, axis=1, kind="stable")[:, :count]
    columns = found.reshape(len(distances), count)
    order = np.argsort(np.take_along_axis(distances, columns, axis=1), axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1)
