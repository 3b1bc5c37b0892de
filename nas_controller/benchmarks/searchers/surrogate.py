"""A surrogate of the reward: a Gaussian process on the logarithms of the widths, fitted to scored architectures.

Its kernel is linear plus squared exponential, so it extrapolates as a linear function. Length scale and noise are those
of a small grid with the smallest leave-one-out error, which has a closed form (Rasmussen and Williams, "Gaussian
Processes for Machine Learning", section 5.4.2).
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.stats import spearmanr

from search_space.architecture import Architecture
from search_space.errors import InvalidValueError
from search_space.regular_file import read_regular
from search_space.space import Widths

MIN_ROWS = 20
_LENGTHS = (1.0, 2.0, 4.0, 8.0)
_NOISES = (0.03, 0.1, 0.3, 1.0)  # variances, in units of the rewards' variance
_LINEAR = 1.0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Fit:
    """How well the surrogate predicts a reward that it was not fitted to.

    `error` is the root mean square of the leave-one-out errors, `spread` the standard deviation of the rewards and
    `rank_correlation` Spearman's between predictions and rewards.
    """

    rows: int
    error: float
    spread: float
    rank_correlation: float
    length: float
    noise: float


class Surrogate:
    """Predicts the reward of widths. `fit` says how well."""

    def __init__(self, widths: Sequence[Widths], rewards: Sequence[float]) -> None:
        logs, values = np.log(np.array(widths, np.float64)), np.array(rewards, np.float64)
        self._centre, self._scale = logs.mean(axis=0), np.maximum(logs.std(axis=0), 1e-9)
        self._points = (logs - self._centre) / self._scale
        self._mean, self._spread = float(values.mean()), float(values.std()) or 1.0
        scaled = (values - self._mean) / self._spread
        fits = [(self._fitted(scaled, length, noise), length, noise) for length in _LENGTHS for noise in _NOISES]
        (error, self._weights, predicted), length, noise = min(fits, key=lambda fit: fit[0][0])
        self._length = length
        rank = float(spearmanr(predicted, scaled).statistic)
        self.fit = Fit(len(values), error * self._spread, self._spread, rank, length, noise)

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


def read_surrogate(path: Path) -> Surrogate:
    """The surrogate of a file with an object on each line: `{"widths": [18 whole numbers], "ap": 0.31}`; other keys are
    ignored, and several rewards of equal widths are averaged.

    Raises InvalidValueError for a file that cannot be read, and for a wrong line with its number.
    """
    try:
        lines = read_regular(path).decode().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InvalidValueError(f"the rewards in {path} cannot be read: {reason}", field="rewards") from error
    found: dict[Widths, list[float]] = {}
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                widths, reward = _parsed(line)
            except InvalidValueError as error:
                raise InvalidValueError(f"{path}, line {number}: {error}", field="rewards") from error
            found.setdefault(widths, []).append(reward)
    if len(found) < MIN_ROWS:
        raise InvalidValueError(
            f"{path} has {len(found)} architectures; a surrogate needs at least {MIN_ROWS}", field="rewards"
        )
    return Surrogate(list(found), [float(np.mean(rewards)) for rewards in found.values()])


def _parsed(line: str) -> tuple[Widths, float]:
    try:
        row: Any = json.loads(line)
    except ValueError as error:
        raise InvalidValueError(f"it is no JSON: {error}") from error
    if not isinstance(row, dict) or not isinstance(row.get("widths"), list):
        raise InvalidValueError('it must be an object such as {"widths": [16, 24, ...], "ap": 0.31}')
    reward = row.get("ap")
    if isinstance(reward, bool) or not isinstance(reward, (int, float)) or not 0.0 <= reward <= 1.0:
        raise InvalidValueError(f"ap is {reward!r}; it must be a number from 0 to 1")
    return Architecture(tuple(row["widths"])).widths, float(reward)
