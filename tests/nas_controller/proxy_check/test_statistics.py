from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from nas_controller.proxy_check.dispersion import dispersion, kendall_ceiling
from nas_controller.proxy_check.statistics import (
    Spread,
    intraclass_consistency,
    intraclass_one_way,
    kendall,
    largest_complete_part,
    rank_correlation,
    spearman,
    spread,
    variation,
)
from search_space.errors import InvalidValueError

SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float
)
"""Table 2 of Shrout and Fleiss (1979): four judges rate six targets."""

REWARDS = st.integers(0, 1000).map(lambda thousandths: thousandths / 1000)
TABLES = st.tuples(st.integers(3, 6), st.integers(2, 4)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=REWARDS)
)
VECTORS = st.integers(3, 9).flatmap(
    lambda size: st.tuples(*[arrays(np.float64, size, elements=st.integers(0, 6).map(float))] * 2)
)


def test_the_table_of_shrout_and_fleiss_one_way() -> None:
    """ICC(1,1) is 0.17 in their table 4; the interval is that of R's psych::ICC on the same data."""
    found = intraclass_one_way(SHROUT_FLEISS)
    assert found == pytest.approx((0.1657, -0.1329, 0.7226), abs=5e-5)


def test_the_table_of_shrout_and_fleiss_consistency() -> None:
    """ICC(3,1) is 0.71 in their table 4; the interval is that of R's psych::ICC on the same data."""
    found = intraclass_consistency(SHROUT_FLEISS)
    assert found == pytest.approx((0.7148, 0.3425, 0.9459), abs=5e-5)


def test_a_table_computed_by_hand() -> None:
    """Means 1, 2 and 6, each with one reward a half below and one a half above: MSR 14, MSW 0.5."""
    table = [[0.5, 1.5], [1.5, 2.5], [5.5, 6.5]]
    found = intraclass_one_way(table)
    assert found is not None
    assert found.value == pytest.approx((14 - 0.5) / (14 + 0.5))
    without_seeds = intraclass_consistency(table)  # the whole difference comes from the second seed
    assert without_seeds == pytest.approx((1.0, 1.0, 1.0))


def test_a_shift_of_one_seed_is_noise_for_the_one_way_correlation_only() -> None:
    shifted = SHROUT_FLEISS + np.array([0, 5, 0, 0])
    before, after = intraclass_one_way(SHROUT_FLEISS), intraclass_one_way(shifted)
    assert before is not None
    assert after is not None
    assert abs(after.value - before.value) > 0.05
    assert intraclass_consistency(shifted) == pytest.approx(intraclass_consistency(SHROUT_FLEISS))


@pytest.mark.parametrize("measure", [intraclass_one_way, intraclass_consistency])
def test_the_interval_has_its_stated_coverage(measure: type[intraclass_one_way]) -> None:
    """Of 200 tables of 8 architectures and 3 seeds with a correlation of 0.6, 190 intervals should contain it."""
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        table = math.sqrt(0.6) * random.normal(size=(8, 1)) + math.sqrt(0.4) * random.normal(size=(8, 3))
        found = measure(table)
        assert found is not None
        covered += found.low <= 0.6 <= found.high
    assert 180 <= covered <= 198


@pytest.mark.parametrize("measure", [intraclass_one_way, intraclass_consistency])
def test_tables_without_an_intraclass_correlation(measure: type[intraclass_one_way]) -> None:
    assert measure(np.full((5, 3), 0.1)) is None
    assert measure([[0.1, 0.2], [0.3, 0.4]]) is None
    assert measure([[0.1], [0.2], [0.3]]) is None
    for invalid in ([0.1, 0.2, 0.3], [[0.1, math.nan]] * 3, [[0.1, math.inf]] * 3, []):
        with pytest.raises(InvalidValueError):
            measure(invalid)


@pytest.mark.parametrize("measure", [intraclass_one_way, intraclass_consistency])
def test_rewards_that_differ_only_between_architectures(measure: type[intraclass_one_way]) -> None:
    assert measure(np.repeat([[0.1], [0.7], [0.3]], 3, axis=1)) == (1.0, 1.0, 1.0)


@given(TABLES)
def test_an_intraclass_correlation_is_in_its_interval_and_in_range(table: np.ndarray) -> None:
    seeds = table.shape[1]
    for measure in intraclass_one_way, intraclass_consistency:
        found = measure(table)
        if found is not None:
            json.dumps(found, allow_nan=False)
            assert -1 / (seeds - 1) - 1e-9 <= found.low <= found.value + 1e-9
            assert found.value - 1e-9 <= found.high <= 1 + 1e-9


@given(TABLES, st.integers(0, 2**32 - 1))
def test_an_intraclass_correlation_depends_on_neither_order_nor_unit(table: np.ndarray, seed: int) -> None:
    random = np.random.default_rng(seed)
    shuffled = 4 * random.permutation(random.permutation(table, axis=0), axis=1) + 2
    for measure in intraclass_one_way, intraclass_consistency:
        before, after = measure(table), measure(shuffled)
        assert (before is None) == (after is None)
        if before is not None:
            assert after == pytest.approx(before, abs=1e-9)


def test_a_spread_computed_by_hand() -> None:
    assert spread([0.2, 0.3, 0.4]) == Spread(pytest.approx(0.3), pytest.approx(0.1), pytest.approx(1 / 3))
    assert spread([0.2]) == Spread(0.2, None, None)
    assert spread([0.0, 0.0]) == Spread(0.0, 0.0, None)
    for invalid in ([], [0.1, math.nan]):
        with pytest.raises(InvalidValueError):
            spread(invalid)


def test_variation_is_the_median_and_the_worst() -> None:
    spreads = [Spread(0.1, 0.01, coefficient) for coefficient in (0.3, 0.1, 0.2)]
    assert variation(spreads) == (0.2, 0.3)
    assert variation([*spreads, Spread(0.4, None, None)]) == (0.2, 0.3)


def test_an_architecture_with_zero_mean_leaves_the_variation_undefined() -> None:
    assert variation([Spread(0.1, 0.01, 0.1), Spread(0.0, 0.0, None)]) is None
    assert variation([]) is None
    assert variation([Spread(0.1, None, None)]) is None


@given(VECTORS)
def test_rank_correlations_are_those_of_scipy(pair: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = pair
    if np.ptp(x) and np.ptp(y):
        assert float(kendall(x, y)) == pytest.approx(stats.kendalltau(x, y).statistic)
        assert float(spearman(x, y)) == pytest.approx(stats.spearmanr(x, y).statistic)
    else:
        assert np.isnan(kendall(x, y))
        assert np.isnan(spearman(x, y))


def test_a_rank_correlation_computed_by_hand() -> None:
    """Of the six pairs of 1 2 3 4 and 1 3 2 4, five agree: (5 - 1) / 6."""
    found = rank_correlation([[0.1], [0.2], [0.3], [0.4]], [0.1, 0.3, 0.2, 0.4])
    assert found.kendall_of_mean is not None
    assert found.kendall_of_mean.value == pytest.approx(4 / 6)
    assert found.kendall_of_one_seed == found.kendall_of_mean


def test_one_seed_is_judged_by_the_mean_of_the_seeds_correlations() -> None:
    """One seed has the order of the reference and the other the reverse of it, with smaller differences."""
    reference = [1.0, 2.0, 3.0, 4.0]
    proxy = np.stack([np.array(reference), -0.1 * np.array(reference)], axis=1)
    found = rank_correlation(proxy, reference)
    assert found.kendall_of_one_seed is not None
    assert found.kendall_of_mean is not None
    assert found.kendall_of_one_seed.value == pytest.approx(0.0)
    assert found.kendall_of_mean == pytest.approx((1.0, 1.0, 1.0))


def test_the_bootstrap_is_that_of_scipy() -> None:
    random = np.random.default_rng(4)
    reference = random.normal(size=16)
    proxy = reference[:, None] + 0.7 * random.normal(size=(16, 1))
    ours = rank_correlation(proxy, reference).kendall_of_mean
    theirs = stats.bootstrap(
        (proxy[:, 0], reference), lambda x, y, axis: kendall(x, y), paired=True, vectorized=True, method="percentile",
        n_resamples=5000, batch=500, rng=np.random.default_rng(5),
    ).confidence_interval  # fmt: skip
    assert ours is not None
    assert ours[1:] == pytest.approx((theirs.low, theirs.high), abs=0.03)
    assert rank_correlation(proxy, reference).kendall_of_mean == ours


def test_values_without_a_rank_correlation() -> None:
    flat = rank_correlation(np.full((4, 2), 0.1), [0.1, 0.2, 0.3, 0.4])
    assert (flat.kendall_of_mean, flat.spearman_of_one_seed) == (None, None)
    few = rank_correlation([[0.1], [0.2]], [0.1, 0.2])
    assert few.kendall_of_mean is None
    one_flat_seed = rank_correlation([[0.1, 0.1], [0.2, 0.1], [0.3, 0.1]], [0.1, 0.2, 0.3])
    assert one_flat_seed.kendall_of_one_seed is None
    assert one_flat_seed.kendall_of_mean is not None
    for invalid in ([0.1, 0.2], [0.1, 0.2, math.nan]):
        with pytest.raises(InvalidValueError):
            rank_correlation([[0.1], [0.2], [0.3]], invalid)


@settings(max_examples=30)
@given(TABLES)
def test_no_reported_value_is_nan(table: np.ndarray) -> None:
    found = rank_correlation(table, table[:, 0])
    json.dumps([found.kendall_of_mean, found.kendall_of_one_seed, found.spearman_of_mean], allow_nan=False)


@pytest.mark.parametrize(
    ("rewards", "rows", "columns"),
    [
        ([[1, 1], [1, 1]], [0, 1], [0, 1]),
        ([[1, None], [1, None], [1, 1]], [0, 1, 2], [0]),
        ([[1, 1, None], [1, 1, None], [1, 1, 1]], [0, 1, 2], [0, 1]),
        ([[1, None, 1], [1, None, 1], [1, 1, 1]], [0, 1, 2], [0, 2]),
        ([[None, None], [None, 1]], [1], [1]),
        ([[None, None]], [], []),
    ],
)
def test_the_largest_part_of_a_table_without_a_gap(
    rewards: list[list[float | None]], rows: list[int], columns: list[int]
) -> None:
    assert largest_complete_part(rewards) == (rows, columns)


def test_the_dispersion_of_two_seeds_by_hand() -> None:
    """Within, (0.02 + 0.02 + 0.08) / 3 = 0.04: the error is sqrt(0.04 / 2). The means 1, 2 and 4 have variance 7/3."""
    found = dispersion([[0.9, 1.1], [1.9, 2.1], [3.8, 4.2]])
    assert found.standard_error == pytest.approx(0.02**0.5)
    assert found.spread == pytest.approx((7 / 3 - 0.02) ** 0.5)
    assert found.spread_over_error == pytest.approx(((7 / 3 - 0.02) / 0.02) ** 0.5)


def test_the_dispersion_recovers_the_variances_of_an_unbalanced_table() -> None:
    random, counts = np.random.default_rng(5), [1, 2, 4] * 1000
    found = dispersion([random.normal(random.normal(0, 0.3), 0.2, count).tolist() for count in counts])
    assert found.standard_error == pytest.approx(0.2 * (7 / 12) ** 0.5, rel=0.03)
    assert found.spread == pytest.approx(0.3, rel=0.04)


@pytest.mark.parametrize("ratio", [0.5, 1.5, 3.0])
def test_the_ceiling_of_tau_is_that_of_the_true_values_to_means_with_errors(ratio: float) -> None:
    random = np.random.default_rng(11)
    true = random.normal(0, ratio, (200, 60))
    taus = kendall(true, true + random.normal(0, 1, true.shape))
    assert kendall_ceiling(ratio) == pytest.approx(taus.mean(), abs=0.02)


def test_a_dispersion_without_noise_or_without_spread() -> None:
    assert dispersion([[0.1] * 3, [0.2] * 3, [0.3] * 3]) == (0.0, pytest.approx(0.1), None)
    error, spread, ratio = dispersion([[0.1, 0.3], [0.3, 0.1]])
    assert error is not None
    assert (error > 0, spread, ratio) == (True, 0.0, 0.0)
    assert dispersion([[0.1], [0.2], [0.3]]) == (None, None, None)
