"""A surrogate of the reward: a Gaussian process on the logarithms of the widths, fitted to scored architectures.

Its kernel is linear plus squared exponential, so it extrapolates as a linear function. Length scale and noise are those
of a small grid with the smallest leave-one-out error, which has a closed form (Rasmussen and Williams, "Gaussian
Processes for Machine Learning", section 5.4.2). The time grows with the cube of the architectures, so a fit takes
MAX_ROWS of them at most.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.stats import spearmanr

from search_space.space import Widths

MAX_ROWS = 2_000
_SUBSET_SEED = 0
_LENGTHS = (1.0, 2.0, 4.0, 8.0)
_NOISES = (0.03, 0.1, 0.3, 1.0)  # variances, in units of the rewards' variance
_LINEAR = 1.0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Fit:
    """How well the surrogate predicts a reward that it was not fitted to.

    `rows` of the `architectures` were fitted. `error` is the root mean square of the leave-one-out errors, `spread` the
    standard deviation of the rewards and `rank_correlation` Spearman's between predictions and rewards.
    """

    rows: int
    architectures: int
    error: float
    spread: float
    rank_correlation: float
    length: float
    noise: float


class Surrogate:
    """Predicts the reward of widths. `fit` says how well."""

    def __init__(self, widths: Sequence[Widths], rewards: Sequence[float]) -> None:
        rows = subset(rewards)
        logs, values = np.log(np.array(widths, np.float64)[rows]), np.array(rewards, np.float64)[rows]
        self._centre, self._scale = logs.mean(axis=0), np.maximum(logs.std(axis=0), 1e-9)
        self._points = (logs - self._centre) / self._scale
        self._mean, self._spread = float(values.mean()), float(values.std()) or 1.0
        scaled = (values - self._mean) / self._spread
        fits = [(self._fitted(scaled, length, noise), length, noise) for length in _LENGTHS for noise in _NOISES]
        (error, self._weights, predicted), length, noise = min(fits, key=lambda fit: fit[0][0])
        self._length = length
        rank = float(spearmanr(predicted, scaled).statistic)
        self.fit = Fit(len(values), len(rewards), error * self._spread, self._spread, rank, length, noise)

    def __call__(self, widths: Widths) -> float:
        """The predicted reward, within 0 to 1."""
        point = (np.log(np.array(widths, np.float64)) - self._centre) / self._scale
        predicted = float(self._kernel(point[None, :], self._length)[0] @ self._weights)
        return min(1.0, max(0.0, self._mean + self._spread * predicted))

    def _fitted(self, values: Floats, length: float, noise: float) -> tuple[float, Floats, Floats]:
        """The leave-one-out error, the weights of the rows, and the leave-one-out predictions."""
        covariance = self._kernel(self._points, length) + noise * np.eye(len(values))
        factor = cho_factor(covariance)
        weights = np.asarray(cho_solve(factor, values), np.float64)
        errors = weights / np.diag(cho_solve(factor, np.eye(len(values))))
        return math.sqrt(float(np.mean(errors**2))), weights, values - errors

    def _kernel(self, points: Floats, length: float) -> Floats:
        """The covariances [points, rows]."""
        blocks = self._points.shape[1]
        linear = points @ self._points.T / blocks
        squares = (points**2).sum(axis=1)[:, None] + (self._points**2).sum(axis=1)[None, :] - 2.0 * blocks * linear
        return np.asarray(_LINEAR * linear + np.exp(-np.maximum(squares, 0.0) / (2.0 * length**2 * blocks)), np.float64)


def subset(rewards: Sequence[float]) -> NDArray[np.intp]:
    """The indices of the architectures that are fitted: all, or MAX_ROWS of them that spread over the rewards.

    The architectures are cut, in the order of their rewards, into MAX_ROWS groups of nearly equal size, and one of each
    is drawn with a fixed seed.
    """
    if len(rewards) <= MAX_ROWS:
        return np.arange(len(rewards))
    groups = np.array_split(np.argsort(np.array(rewards), kind="stable"), MAX_ROWS)
    random = np.random.default_rng(_SUBSET_SEED)
    return np.sort(np.array([random.choice(group) for group in groups]))
