"""How much each block's share of the compute matters for the reward, from the trials of a search.

A ridge regression of the reward on the binary logarithms of the multipliers, each minus the mean over the blocks of its
architecture, since only their proportions count. So an effect is the gain in AP where a block's multiplier is doubled
against those of the others. The intervals are the 2.5 and 97.5 % quantiles over bootstrap samples of the trials (Efron
and Tibshirani, "An Introduction to the Bootstrap", 1993, section 13.3), and `explained` is the share of the variance
that the regression predicts of the trials left out of those samples.

The model is linear: of a block that is best in the middle it sees little. And a search that has settled on some
multipliers says little about others, which the intervals show.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

MIN_TRIALS, MIN_TRIALS_A_BLOCK = 50, 3
MAX_TRIALS = 2_000
_RIDGE = 1.0
"""Of the squared coefficients, in squared doublings; a few trials' worth, so it matters only for unused multipliers."""
_SAMPLES = 200
_SEED = 17
_INTERVAL = (2.5, 97.5)

Floats = NDArray[np.float64]


class Importance(NamedTuple):
    """The effect of doubling each block's multiplier on the AP, with the ends of its 95 % interval.

    `trials` were regressed, of `of`; `explained` is the share of the variance of unseen rewards that the effects
    predict, at most 1. Effects are null for fewer trials than `needed`, and where all rewards are equal.
    """

    block: list[int]
    effect: list[float] | None
    low: list[float] | None
    high: list[float] | None
    explained: float | None
    trials: int
    of: int
    needed: int


def block_importance(
    blocks: Sequence[int], choices: Sequence[float], rows: Sequence[tuple[Any, ...]], of: int
) -> Importance:
    """The importance of the searched blocks, from rows (number, indices of choices, reward) of trained trials.

    The rows must not have been selected by their rewards, which would bias the effects.
    """
    needed = max(MIN_TRIALS, MIN_TRIALS_A_BLOCK * len(blocks))
    rewards = np.array([row[2] for row in rows], np.float64)
    if len(rows) < needed or np.ptp(rewards) == 0:
        return Importance(list(blocks), None, None, None, None, len(rows), of, needed)
    doublings = np.log2(np.asarray(choices, np.float64))[np.array([row[1] for row in rows])]
    doublings -= doublings.mean(axis=1, keepdims=True)
    effect, _ = _ridge(doublings, rewards, np.ones(len(rows)))
    random = np.random.default_rng(_SEED)
    effects, squared, spread = [], 0.0, 0.0
    for _ in range(_SAMPLES):
        drawn = np.bincount(random.integers(len(rows), size=len(rows)), minlength=len(rows)).astype(np.float64)
        slopes, constant = _ridge(doublings, rewards, drawn)
        effects.append(slopes)
        is_out = drawn == 0
        squared += float(np.sum((rewards[is_out] - doublings[is_out] @ slopes - constant) ** 2))
        spread += float(np.sum((rewards[is_out] - np.average(rewards, weights=drawn)) ** 2))
    low, high = np.percentile(np.array(effects), _INTERVAL, axis=0)
    explained = None if spread == 0 else round(1 - squared / spread, 4)
    return Importance(list(blocks), effect.tolist(), low.tolist(), high.tolist(), explained, len(rows), of, needed)


def _ridge(inputs: Floats, outputs: Floats, weights: Floats) -> tuple[Floats, float]:
    """Slopes and constant of a weighted ridge regression."""
    centre, level = np.average(inputs, axis=0, weights=weights), float(np.average(outputs, weights=weights))
    centred = inputs - centre
    weighted = centred * weights[:, None]
    solved = np.linalg.solve(weighted.T @ centred + _RIDGE * np.eye(inputs.shape[1]), weighted.T @ (outputs - level))
    slopes: Floats = np.asarray(solved, np.float64)
    return slopes, level - float(centre @ slopes)
