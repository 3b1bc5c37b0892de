"""How far apart the true values of architectures are, and how exactly means over seeds state them. Pure.

Sources: Searle, Casella and McCulloch (1992), "Variance Components", for the analysis of unweighted means; Spearman
(1904), "The proof and measurement of association between two things", for attenuation by errors, and Greiner's relation
between Kendall's tau and the correlation of normal values (Kendall and Gibbons 1990) in `kendall_ceiling`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nas_controller.proxy_check.statistics import MIN_SEEDS, ROUNDING


class Dispersion(NamedTuple):
    """Of the means of architectures: the standard error from the seeds, the true spread, and their ratio.

    `spread` is the standard deviation of the architectures' true values, that of their means less its part from the
    seeds; 0 where the means differ no more than their errors explain. None where undefined.
    """

    standard_error: float | None
    spread: float | None
    spread_over_error: float | None


def dispersion(rewards: Sequence[Sequence[float]]) -> Dispersion:
    """The dispersion of rewards [architectures][seeds], with at least one seed each; their numbers may differ.

    `standard_error` is the pooled standard deviation within architectures over the square root of the harmonic mean of
    their numbers of seeds. All are None if no architecture has two seeds; the ratio also if the error is zero.
    """
    counts = np.array([len(of_seeds) for of_seeds in rewards])
    freedom = int((counts - 1).sum())
    if len(rewards) < MIN_SEEDS or freedom == 0:
        return Dispersion(None, None, None)
    means = np.array([np.mean(of_seeds) for of_seeds in rewards])
    squares = sum(((np.asarray(of_seeds) - mean) ** 2).sum() for of_seeds, mean in zip(rewards, means, strict=True))
    within, between = float(squares) / freedom, float(means.var(ddof=1))
    rounding = (ROUNDING * max(abs(reward) for of_seeds in rewards for reward in of_seeds)) ** 2
    squared_error = 0.0 if within <= rounding else within * float((1 / counts).mean())
    error, true_spread = float(np.sqrt(squared_error)), float(np.sqrt(max(0.0, between - squared_error)))
    return Dispersion(error, true_spread, true_spread / error if error else None)


def kendall_ceiling(spread_over_error: float) -> float:
    """The expected tau, to means with errors, of a proxy that has the true order: (2 / pi) arcsin(sqrt(reliability)).

    `spread_over_error` is that of the means, so their reliability is r^2 / (1 + r^2). For normal values and errors.
    """
    return float(2 / np.pi * np.arctan(spread_over_error))
