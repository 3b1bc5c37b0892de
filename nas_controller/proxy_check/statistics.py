"""How much of a reward comes from the architecture, how much from the seed, and how well the reward ranks
architectures.

Pure functions over NumPy arrays. With too few values, or with values that do not vary, the result is None, never NaN.

Sources: McGraw and Wong (1996), "Forming inferences about some intraclass correlation coefficients", tables 4 and 7;
Shrout and Fleiss (1979), "Intraclass correlations: uses in assessing rater reliability", whose ICC(1,1) and ICC(3,1)
are the two below; Kendall (1945) for tau-b; Efron and Tibshirani (1993), chapter 13, for the percentile bootstrap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from search_space.errors import InvalidValueError

CONFIDENCE = 0.95
MIN_ARCHITECTURES = 3
MIN_SEEDS = 2
RESAMPLES = 2000
BOOTSTRAP_SEED = 2020

_BATCHES = 20  # all pairs of all resamples at once would take too much memory
ROUNDING = 1e-12
"""Differences smaller than this fraction of the largest value are rounding, not variance."""

FloatArray = NDArray[np.float64]


class Estimate(NamedTuple):
    """A statistic with the bounds of its 95 % confidence interval."""

    value: float
    low: float
    high: float


def intraclass_one_way(rewards: ArrayLike) -> Estimate | None:
    """ICC(1): the share of the reward's variance that is between architectures.

    `rewards` is a complete table [architectures, seeds]. It is the correlation of two rewards of one architecture with
    any two seeds, so an effect that a seed has on all architectures counts as noise. The interval is exact for normal
    errors. None for fewer than 3 architectures or 2 seeds, and if all rewards are equal. Raises InvalidValueError for
    an invalid table.
    """
    table = _checked_table(rewards)
    if not _is_large_enough(table):
        return None
    architectures, seeds = table.shape
    squares = _mean_squares(table)
    return _intraclass(squares.between, squares.within, architectures - 1, architectures * (seeds - 1), seeds)


def intraclass_consistency(rewards: ArrayLike) -> Estimate | None:
    """ICC(C,1): the same share after removing the main effect of the seeds.

    All trials of a campaign have one seed. Its effect on every architecture alike (its reserved images may be easier,
    for example) shifts all rewards by the same amount and changes no comparison. For a campaign, only the interaction
    of seed and architecture is noise, so this is the share that applies to it. Arguments, interval and the cases of
    None are those of `intraclass_one_way`.
    """
    table = _checked_table(rewards)
    if not _is_large_enough(table):
        return None
    architectures, seeds = table.shape
    squares = _mean_squares(table)
    return _intraclass(squares.between, squares.residual, architectures - 1, (architectures - 1) * (seeds - 1), seeds)


@dataclass(frozen=True)
class Spread:
    """Rewards of one architecture over its seeds.

    `deviation` is the standard deviation with n - 1 in the denominator, None for one seed; `coefficient` is
    `deviation / |mean|`, None also if the mean is zero.
    """

    mean: float
    deviation: float | None
    coefficient: float | None


def spread(rewards: ArrayLike) -> Spread:
    """Mean, standard deviation and coefficient of variation of at least one reward.

    Raises InvalidValueError without rewards, and for numbers that are not finite.
    """
    values = np.asarray(rewards, dtype=np.float64)
    if values.ndim != 1 or not values.size or not np.all(np.isfinite(values)):
        raise InvalidValueError(f"rewards are {values.tolist()}; they must be finite numbers, at least one")
    mean = float(values.mean())
    if values.size < MIN_SEEDS:
        return Spread(mean, None, None)
    deviation = float(values.std(ddof=1))
    return Spread(mean, deviation, None if mean == 0 else deviation / abs(mean))


class Variation(NamedTuple):
    """Coefficients of variation over several architectures: the median and the worst."""

    median: float
    worst: float


def variation(spreads: Sequence[Spread]) -> Variation | None:
    """The median and the worst coefficient of variation of architectures that have more than one seed.

    None if there is no such architecture, or one whose mean is zero: it has no coefficient, and it may be the worst.
    """
    with_deviation = [spread for spread in spreads if spread.deviation is not None]
    coefficients = [spread.coefficient for spread in with_deviation if spread.coefficient is not None]
    if not coefficients or len(coefficients) < len(with_deviation):
        return None
    return Variation(float(np.median(coefficients)), max(coefficients))


def largest_complete_part(rewards: Sequence[Sequence[float | None]]) -> tuple[list[int], list[int]]:
    """The rows and columns of the largest part of a table without a gap, among parts of its fullest columns.

    Of two equally large parts, the one with more columns. Both lists are empty if the table has no reward.
    """
    gaps = [sum(row[column] is None for row in rewards) for column in range(len(rewards[0]))]
    by_fullness = sorted(range(len(gaps)), key=lambda column: gaps[column])
    best: tuple[list[int], list[int]] = ([], [])
    for count in range(1, len(gaps) + 1):
        columns = sorted(by_fullness[:count])
        rows = [number for number, row in enumerate(rewards) if all(row[column] is not None for column in columns)]
        if rows and len(rows) * len(columns) >= len(best[0]) * len(best[1]):
            best = (rows, columns)
    return best


@dataclass(frozen=True)
class RankCorrelation:
    """How well the proxy ranks architectures as the reference does: 1 for the same order, -1 for the reverse.

    `..._of_mean` uses the proxy's mean over the seeds. `..._of_one_seed` is the mean of the correlations of the single
    seeds, which is what a campaign can expect, since it has one seed.
    """

    kendall_of_mean: Estimate | None = None
    kendall_of_one_seed: Estimate | None = None
    spearman_of_mean: Estimate | None = None
    spearman_of_one_seed: Estimate | None = None


def rank_correlation(proxy: ArrayLike, reference: ArrayLike) -> RankCorrelation:
    """Kendall's tau-b and Spearman's rho of proxy rewards [architectures, seeds] and reference rewards [architectures].

    The intervals are percentile bootstraps: architectures are drawn with replacement, each with all its rewards, 2,000
    times, with a fixed seed. Raises InvalidValueError if the shapes do not match.
    """
    table, reference = _checked_table(proxy), np.asarray(reference, dtype=np.float64)
    if reference.shape != table.shape[:1] or not np.all(np.isfinite(reference)):
        raise InvalidValueError(
            f"reference rewards are {reference.tolist()}; there must be one finite number for each of the "
            f"{len(table)} architectures"
        )
    mean = table.mean(axis=1, keepdims=True)
    return RankCorrelation(
        kendall_of_mean=_correlation(kendall, mean, reference),
        kendall_of_one_seed=_correlation(kendall, table, reference),
        spearman_of_mean=_correlation(spearman, mean, reference),
        spearman_of_one_seed=_correlation(spearman, table, reference),
    )


def kendall(x: FloatArray, y: FloatArray) -> FloatArray:
    """Kendall's tau-b along the last axis; NaN where x or y are all equal.

    The same as `scipy.stats.kendalltau`, for thousands of resamples at once.
    """
    x_signs = np.sign(x[..., :, None] - x[..., None, :])
    y_signs = np.sign(y[..., :, None] - y[..., None, :])
    agreement = (x_signs * y_signs).sum(axis=(-2, -1))
    pairs = (x_signs**2).sum(axis=(-2, -1)) * (y_signs**2).sum(axis=(-2, -1))
    return _quotient(agreement, np.sqrt(pairs))


def spearman(x: FloatArray, y: FloatArray) -> FloatArray:
    """Spearman's rho along the last axis, equal values have their mean rank; NaN where x or y are all equal."""
    x_ranks, y_ranks = stats.rankdata(x, axis=-1), stats.rankdata(y, axis=-1)
    x_ranks = x_ranks - x_ranks.mean(axis=-1, keepdims=True)
    y_ranks = y_ranks - y_ranks.mean(axis=-1, keepdims=True)
    squares = (x_ranks**2).sum(axis=-1) * (y_ranks**2).sum(axis=-1)
    return _quotient((x_ranks * y_ranks).sum(axis=-1), np.sqrt(squares))


class _MeanSquares(NamedTuple):
    """Of the analysis of variance: between architectures, within them, and what is left of that without the seeds."""

    between: float
    within: float
    residual: float


def _mean_squares(table: FloatArray) -> _MeanSquares:
    architectures, seeds = table.shape
    rows, columns = table.mean(axis=1, keepdims=True), table.mean(axis=0, keepdims=True)
    between = seeds * float(((rows - table.mean()) ** 2).sum()) / (architectures - 1)
    within = float(((table - rows) ** 2).sum()) / (architectures * (seeds - 1))
    residual = float(((table - rows - columns + table.mean()) ** 2).sum()) / ((architectures - 1) * (seeds - 1))
    rounding = (ROUNDING * float(np.abs(table).max())) ** 2
    return _MeanSquares(*(0.0 if square <= rounding else square for square in (between, within, residual)))


def _intraclass(between: float, noise: float, above: int, below: int, seeds: int) -> Estimate | None:
    """The correlation from two mean squares and their degrees of freedom, with its interval from the F distribution."""
    if between == 0 and noise == 0:
        return None
    value = (between - noise) / (between + (seeds - 1) * noise)
    if noise == 0:
        return Estimate(value, 1.0, 1.0)
    ratio, upper = between / noise, (1 + CONFIDENCE) / 2
    low = ratio / float(stats.f.ppf(upper, above, below))
    high = ratio * float(stats.f.ppf(upper, below, above))
    return Estimate(value, (low - 1) / (low + seeds - 1), (high - 1) / (high + seeds - 1))


def _correlation(
    measure: Callable[[FloatArray, FloatArray], FloatArray], table: FloatArray, reference: FloatArray
) -> Estimate | None:
    """The mean over the seeds of a correlation with the reference; None if it is undefined."""
    if len(reference) < MIN_ARCHITECTURES:
        return None

    def mean_over_seeds(rows: FloatArray, last: FloatArray) -> FloatArray:
        return np.asarray(np.mean([measure(rows[..., seed], last) for seed in range(rows.shape[-1])], axis=0))

    value = float(mean_over_seeds(table, reference))
    if not np.isfinite(value):
        return None
    drawn = np.random.default_rng(BOOTSTRAP_SEED).integers(0, len(reference), (RESAMPLES, len(reference)))
    # `scipy.stats.bootstrap` returns NaN if a single resample repeats one architecture and so has no order. Here such
    # resamples are left out.
    resampled = [mean_over_seeds(table[batch], reference[batch]) for batch in np.array_split(drawn, _BATCHES)]
    low, high = np.nanquantile(np.concatenate(resampled), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Estimate(value, float(low), float(high))


def _quotient(dividend: FloatArray, divisor: FloatArray) -> FloatArray:
    return np.asarray(np.divide(dividend, divisor, out=np.full(divisor.shape, np.nan), where=divisor > 0))


def _checked_table(rewards: ArrayLike) -> FloatArray:
    table = np.asarray(rewards, dtype=np.float64)
    if table.ndim != 2 or not table.size or not np.all(np.isfinite(table)):
        raise InvalidValueError(
            f"rewards have the shape {list(table.shape)}; they must be a complete table of finite numbers, "
            "[architectures, seeds]"
        )
    return table


def _is_large_enough(table: FloatArray) -> bool:
    architectures, seeds = table.shape
    return bool(architectures >= MIN_ARCHITECTURES and seeds >= MIN_SEEDS)
