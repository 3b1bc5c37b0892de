"""The statistics of finals against SciPy's own tests and known values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from nas_controller.search.finals_rules import FIRST
from nas_controller.search.finals_verdict import (
    CONFIDENCE,
    CostRatios,
    Rewards,
    compare,
    confirmed,
    cost_text,
    ranked_first,
    sentence,
)

BASELINE = 0


def rewards(**differences: list[float]) -> Rewards:
    """Rewards whose differences to a baseline of 0.3 are these, by `t` and the number of the trial."""
    found: dict[tuple[int, int], float] = {}
    for name, values in differences.items():
        for seed, difference in enumerate(values, start=2):
            found[BASELINE, seed] = 0.0
            found[int(name[1:]), seed] = difference
    return found


def test_the_interval_of_one_finalist_is_that_of_the_paired_t_test() -> None:
    generator = np.random.default_rng(1)
    baseline, finalist = generator.normal(0.3, 0.02, 7), generator.normal(0.31, 0.02, 7)
    given = {(BASELINE, seed): float(value) for seed, value in enumerate(baseline)}
    given |= {(4, seed): float(value) for seed, value in enumerate(finalist)}
    (found,) = compare(given, [4], BASELINE)
    expected = stats.ttest_rel(finalist, baseline).confidence_interval(CONFIDENCE)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.mean == pytest.approx(np.mean(finalist - baseline))
    assert found.standard_deviation == pytest.approx(np.std(finalist - baseline, ddof=1))


def test_a_known_value() -> None:
    # mean 3, standard deviation sqrt(2.5), t(0.975, 4) = 2.776445: the half width is 1.963243.
    (found,) = compare(rewards(t1=[1, 2, 3, 4, 5]), [1], BASELINE)
    assert (found.pairs, found.mean, found.word, found.more_seeds) == (5, 3, "better", 0)
    assert (found.low, found.high) == pytest.approx((3 - 1.963243, 3 + 1.963243), abs=1e-6)


@pytest.mark.parametrize(
    ("differences", "word"),
    [([1, 2, 3, 4, 5], "better"), ([-1, -2, -3, -4, -5], "worse"), ([-2, -1, 0, 1, 3], "undecided"),
     ([1, 1, 1], "better"), ([0, 0], "undecided"), ([-1, -1], "worse")],
)  # fmt: skip
def test_the_word_says_where_the_interval_lies(differences: list[float], word: str) -> None:
    (found,) = compare(rewards(t1=differences), [1], BASELINE)
    assert found.word == word
    assert (found.more_seeds == 0) == (word != "undecided")


def test_several_finalists_have_intervals_that_hold_together() -> None:
    alone = compare(rewards(t1=[1, 2, 3, 4, 5]), [1], BASELINE)[0]
    first, second = compare(rewards(t1=[1, 2, 3, 4, 5], t2=[-2, -1, 0, 1, 3]), [1, 2], BASELINE)
    assert first.low is not None
    assert alone.low is not None
    assert first.low < alone.low
    half = stats.t.ppf(1 - 0.05 / 4, 4) * first.standard_deviation / 5**0.5
    assert first.low == pytest.approx(3 - half)
    assert second.word == "undecided"


def test_one_of_many_equal_finalists_is_rarely_called_better() -> None:
    generator = np.random.default_rng(2)
    wrong = 0
    for _ in range(400):
        noise = generator.normal(0, 1, (6, 5))
        given = {(trial, seed): float(noise[trial, seed]) for trial in range(6) for seed in range(5)}
        wrong += confirmed(compare(given, [1, 2, 3, 4, 5], BASELINE)) is not None
    assert wrong / 400 < 0.05


@pytest.mark.parametrize("finalists", [1, 3])
def test_as_many_more_seeds_as_are_said_decide_and_no_fewer(finalists: int) -> None:
    numbers = list(range(1, finalists + 1))
    (found, *_) = compare(rewards(t1=[-2.0, -1.0, 0.5, 1.0, 4.0]), numbers, BASELINE)
    assert found.more_seeds is not None
    assert found.mean is not None

    def half(pairs: int) -> float:
        return float(stats.t.ppf(1 - 0.05 / (2 * finalists), pairs - 1) * found.standard_deviation / pairs**0.5)

    enough = found.pairs + found.more_seeds
    assert half(enough) < found.mean <= half(enough - 1)


def test_nothing_is_said_of_fewer_than_two_pairs_and_of_a_mean_that_no_seeds_would_decide() -> None:
    (none,) = compare({(1, 2): 0.5, (BASELINE, 3): 0.5}, [1], BASELINE)
    assert none == (1, 0, None, None, None, None, None, None, "undecided", None)
    (one,) = compare(rewards(t1=[0.5]), [1], BASELINE)
    assert one == (1, 1, 0.5, 0.0, 0.5, None, None, None, "undecided", None)
    (even,) = compare(rewards(t1=[-1.0, 1.0]), [1], BASELINE)
    assert even.more_seeds is None
    (tiny,) = compare(rewards(t1=[-1.0, 1.0001]), [1], BASELINE)
    assert tiny.more_seeds is None


def test_a_seed_counts_only_where_both_have_a_reward() -> None:
    given = {**rewards(t1=[1, 2, 3]), (1, 9): 70.0}
    del given[BASELINE, 2]
    (found,) = compare(given, [1], BASELINE)
    assert (found.pairs, found.mean) == (2, 2.5)


def test_the_winner_is_the_best_of_those_that_are_better() -> None:
    found = compare(rewards(t1=[1, 1, 1, 1.1], t2=[2, 2, 2, 2.1], t3=[-9, 30, 9, 9]), [1, 2, 3], BASELINE)
    assert [each.word for each in found] == ["better", "better", "undecided"]
    assert confirmed(found) == 2
    assert confirmed(found[2:]) is None


@pytest.mark.parametrize(
    ("differences", "first"),
    [
        ({"t1": [1, 1, 1, 1.1], "t2": [-9, 30, 9, 9]}, 1),  # the winner, although another mean is higher
        ({"t1": [-2, -1, 0, 4], "t2": [-3, -1, 0, 1]}, 1),  # undecided
        ({"t1": [-2, -1, 0, 1], "t2": [-3, -1, 0, 1]}, BASELINE),  # undecided, but no mean is above 0
        ({"t1": [-1, 1], "t2": [-1, 1]}, BASELINE),
        ({"t1": [-1, -1, -1], "t2": [-2, -2, -2]}, BASELINE),
        ({"t1": [1], "t2": [1]}, 1),
        ({"t1": [], "t2": []}, None),
    ],
)
def test_finals_rank_the_winner_first_then_the_highest_mean_above_zero_and_else_the_baseline(
    differences: dict[str, list[float]], first: int | None
) -> None:
    assert ranked_first(compare(rewards(**differences), [1, 2], BASELINE), BASELINE) == first


@pytest.mark.parametrize(
    ("differences", "first"), [([-2, -1, 0, 1], 1), ([-1, -1, -1], BASELINE), ([1, 1, 1.1], 1), ([-1, 1], 1)]
)
def test_by_the_first_rule_only_a_finalist_that_is_worse_ranks_after_the_baseline(
    differences: list[float], first: int
) -> None:
    assert ranked_first(compare(rewards(t1=differences), [1], BASELINE), BASELINE, FIRST) == first


@pytest.mark.parametrize(
    ("differences", "text"),
    [
        (
            {"t4": [0.01, 0.02, 0.03, 0.04, 0.05]},
            "Trial 4 is better than the uniform baseline: +0.030 AP, 95 % interval +0.010 to +0.050, 5 seeds.",
        ),
        (
            {"t4": [-0.02, -0.01, 0.0, 0.01, 0.03]},
            "Trial 4 ranks first, but is not confirmed to be better than the uniform baseline: +0.002 AP, 95 % "
            "interval -0.022 to +0.026, 5 seeds; about 353 more seeds would decide.",
        ),
        (
            {"t4": [-0.02, -0.02]},
            "The uniform baseline ranks first, and no finalist is better: of the best, trial 4, -0.020 AP, 95 % "
            "interval -0.020 to -0.020, 2 seeds.",
        ),
        (
            {"t4": [0.02]},
            "Trial 4 ranks first, but is not confirmed to be better than the uniform baseline: +0.020 AP, 1 seed.",
        ),
        (
            {"t4": [-0.0204, 0.0196]},
            "The uniform baseline ranks first, and no finalist is better: of the best, trial 4, +0.000 AP, 95 % "
            "interval -0.255 to +0.254, 2 seeds.",
        ),
        ({"t4": []}, "No finalist is confirmed: none has a seed in common with the baseline."),
    ],
)
def test_the_sentence(differences: dict[str, list[float]], text: str) -> None:
    assert sentence(compare(rewards(**differences), [4], BASELINE), {}) == text


@pytest.mark.parametrize(
    ("differences", "ratios", "end"),
    [
        ([0.01, 0.02, 0.03, 0.04, 0.05], CostRatios(0.8, None), "5 seeds, with 20 % fewer parameters."),
        ([0.01, 0.02, 0.03, 0.04, 0.05], CostRatios(1.0, 0.9), "5 seeds, with 10 % less latency."),
        ([0.01, 0.02, 0.03, 0.04, 0.05], CostRatios(1.001, None), "+0.050, 5 seeds."),
        (
            [-0.02, -0.01, 0.0, 0.01, 0.03],
            CostRatios(0.8, 1.03),
            "5 seeds, equal within ±0.026 with 20 % fewer parameters and 3 % more latency; about 353 more seeds would "
            "decide.",
        ),
        ([-0.02, -0.01, 0.0, 0.01, 0.03], CostRatios(1.2, None), "5 seeds, with 20 % more parameters; about 353 "
         "more seeds would decide."),
        ([-0.03, -0.01, 0.0, 0.01, 0.02], CostRatios(0.8, None), "equal within ±0.026 with 20 % fewer parameters; "
         "about 353 more seeds would decide."),
        ([-0.02, -0.02], CostRatios(0.8, None), "2 seeds, with 20 % fewer parameters."),
        ([0.02], CostRatios(0.8, None), "1 seed, with 20 % fewer parameters."),
    ],
)  # fmt: skip
def test_the_sentence_states_the_costs_and_within_what_an_undecided_cheaper_one_is_equal(
    differences: list[float], ratios: CostRatios, end: str
) -> None:
    assert sentence(compare(rewards(t4=differences), [4], BASELINE), {4: ratios}).endswith(end)


def test_a_cost_that_rounds_to_no_change_is_left_out() -> None:
    assert cost_text(CostRatios(0.996, 1.004)) == ""
    assert cost_text(CostRatios(0.994, None)) == "1 % fewer parameters"


def test_the_sentence_of_no_finalist() -> None:
    assert sentence((), {}) == "There was no finalist to compare with the baseline."
