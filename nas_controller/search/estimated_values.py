"""Estimates the values of architectures from one noisy reward of each, to choose finalists that were not only lucky.

Rewards y are regressed on x, the logarithms of the widths over those of the baseline, standardised: ridge regression,
whose penalty minimises the generalised cross-validation (Golub, Heath and Wahba, 1979). What remains, r = y - f(x), is
noise and what no linear function says. The noise is estimated without repeated measurements, by the residuals of
nearest neighbours (Rice, 1984; the gamma test): half the mean squared difference of r between each architecture and
the one nearest to it. Its share s of the mean of r² is at most 1, and the estimate of an architecture is

    f(x) + (1 - s) r

its reward where rewards have no noise, and the regression where they have nothing else. Neighbours are never quite
equal, so s errs on the side of more noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

DIGITS = 6
"""Estimates are rounded, so that a replay on another machine gives the same."""
MAX_NEIGHBOURS = 2_000
"""Architectures among which nearest neighbours are searched: every k-th, if there are more."""
_PENALTIES = 10.0 ** np.arange(-4, 5)

FloatArray = NDArray[np.float64]


class Rewarded(NamedTuple):
    """An architecture and its only reward."""

    number: int
    widths: Sequence[int]
    reward: float


class Estimates(NamedTuple):
    """The estimated values by the number of the trial, and the share of noise in what the regression leaves."""

    values: Mapping[int, float]
    noise_share: float


def estimate_values(trials: Sequence[Rewarded], baseline_widths: Sequence[int]) -> Estimates:
    """The estimated values of different architectures. A function of the trials and nothing else."""
    if not trials:
        return Estimates({}, 0.0)
    x = np.log([trial.widths for trial in trials]) - np.log(baseline_widths)
    y = np.array([trial.reward for trial in trials])
    x = x - x.mean(axis=0)
    spread = x.std(axis=0)
    x = x[:, spread > 0] / spread[spread > 0]
    fitted = y.mean() + _ridge(x, y - y.mean())
    residuals = y - fitted
    share = _noise_share(x, residuals)
    estimates = fitted + (1.0 - share) * residuals
    numbers = [trial.number for trial in trials]
    return Estimates(dict(zip(numbers, np.round(estimates, DIGITS).tolist(), strict=True)), round(float(share), DIGITS))


def best_estimated(trials: Sequence[Rewarded], estimates: Mapping[int, float], count: int) -> tuple[int, ...]:
    """The numbers of the `count` trials with the highest estimates; of equal ones the higher reward, then the earlier."""
    order = sorted(trials, key=lambda trial: (-estimates[trial.number], -trial.reward, trial.number))
    return tuple(trial.number for trial in order[:count])


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
    """Half the mean squared difference of the residuals of nearest neighbours, as a share of their mean square."""
    every = -(-len(x) // MAX_NEIGHBOURS)
    x, residuals = x[::every], residuals[::every]
    total = float(np.mean(residuals**2))
    if len(x) < 2 or total == 0.0:
        return 0.0
    squares = np.sum(x**2, axis=1)
    distances = squares[:, None] + squares[None, :] - 2.0 * (x @ x.T)
    np.fill_diagonal(distances, np.inf)
    nearest = np.argmin(distances, axis=1)
    return min(1.0, 0.5 * float(np.mean((residuals - residuals[nearest]) ** 2)) / total)
