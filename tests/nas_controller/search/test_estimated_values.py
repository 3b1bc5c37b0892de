"""Estimated values shrink lucky rewards and leave exact ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from nas_controller.execution.synthetic_reward import reward
from nas_controller.search import estimated_values as module
from nas_controller.search.estimated_values import (
    Candidate,
    Rewarded,
    best_estimated,
    estimate_values,
    nearest_columns,
    reward_noise,
)
from nas_controller.search.finals_rules import FIRST
from nas_controller.search.objective_spec import ObjectiveSpec
from search_space.space import SearchSpace

SPACE = SearchSpace()
BASELINE = SPACE.baseline.widths


def architectures(count: int, seed: int = 1) -> list[tuple[int, ...]]:
    generator = np.random.default_rng(seed)
    return [SPACE.candidate(generator.choice(SPACE.choices, 18).tolist()).widths for _ in range(count)]


def linear(widths: tuple[int, ...]) -> float:
    """A value that is linear in the log widths."""
    x = np.log(widths) - np.log(BASELINE)
    return float(0.3 + 0.01 * (x[3] - x[7] + 0.5 * x[12]))


AP_ALONE = ObjectiveSpec().value


def candidates(given: list[Rewarded]) -> list[Candidate]:
    return [Candidate(*each, params=1, cost_ratio=None) for each in given]


def trials(value: Callable[[tuple[int, ...]], float], noise: float, count: int = 300) -> list[Rewarded]:
    generator = np.random.default_rng(7)
    return [
        Rewarded(number, widths, value(widths) + noise * generator.normal())
        for number, widths in enumerate(architectures(count), start=1)
    ]


@pytest.mark.parametrize("count", [20, 300])
def test_exact_rewards_of_a_linear_function_are_their_own_estimates(count: int) -> None:
    given = trials(linear, 0.0, count)
    estimates = estimate_values(given, BASELINE)
    assert [estimates.values[each.number] for each in given] == pytest.approx([each.reward for each in given], abs=1e-4)


def test_the_noise_of_rewards_is_unknown_where_it_is_not_resolved() -> None:
    assert reward_noise(trials(linear, 0.02), BASELINE) == pytest.approx(0.02, rel=0.3)
    assert reward_noise(trials(linear, 0.02, count=49), BASELINE) is None
    assert reward_noise(trials(lambda _: 0.3, 0.0), BASELINE) is None


def test_noise_that_the_gamma_test_finds_none_of_is_unknown_not_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_noise_share", lambda _x, _residuals: 0.0)
    assert reward_noise(trials(linear, 0.02), BASELINE) is None


def test_noisy_rewards_are_shrunk_towards_the_regression() -> None:
    given = trials(linear, 0.02)
    estimates = estimate_values(given, BASELINE)
    assert estimates.noise_share > 0.8
    true = np.array([linear(tuple(each.widths)) for each in given])
    estimated = np.array([estimates.values[each.number] for each in given])
    by_reward = np.mean((np.array([each.reward for each in given]) - true) ** 2)
    assert np.mean((estimated - true) ** 2) < 0.25 * by_reward


def test_the_best_by_estimate_are_better_than_the_luckiest() -> None:
    given = trials(linear, 0.02)
    chosen = list(best_estimated(candidates(given), BASELINE, 3, AP_ALONE).values)
    luckiest = sorted(given, key=lambda each: -each.reward)[:3]
    by_number = {each.number: linear(tuple(each.widths)) for each in given}
    assert np.mean([by_number[number] for number in chosen]) > np.mean([by_number[each.number] for each in luckiest])


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_of_a_smooth_reward_less_is_taken_for_noise_than_the_regression_leaves(noise: float) -> None:
    generator = np.random.default_rng(3)
    given, exact = [], []
    for number in range(400):  # some near the baseline, as a policy samples them that has learned
        spread = 0.3 * generator.normal()
        widths = tuple(int(width) for width in np.array(BASELINE) * np.exp(spread * generator.normal(size=18)))
        exact.append(reward(widths, BASELINE))
        given.append(Rewarded(number, widths, exact[-1] + noise * generator.normal()))
    estimates = estimate_values(given, BASELINE)
    error = np.mean((np.array(list(estimates.values.values())) - exact) ** 2)
    assert estimates.noise_share < (0.1 if noise == 0.0 else 0.8)
    assert error < 1e-4 + noise**2


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 49, 50])
def test_few_trials_have_estimates_within_their_rewards(count: int) -> None:
    given = trials(linear, 0.01)[:count]
    values = estimate_values(given, BASELINE).values
    assert set(values) == {each.number for each in given}
    for value in values.values():
        assert min(each.reward for each in given) - 1e-6 <= value <= max(each.reward for each in given) + 1e-6


def test_equal_rewards_and_equal_widths_are_no_special_case() -> None:
    same = [Rewarded(number, BASELINE, 0.25) for number in range(4)]
    estimates = estimate_values(same, BASELINE)
    assert set(estimates.values.values()) == {0.25}
    assert list(best_estimated(candidates(same), BASELINE, 2, AP_ALONE).values) == [0, 1]


def test_many_trials_are_estimated_from_a_sample_of_neighbours() -> None:
    given = trials(linear, 0.02, 60) * 50
    many = [each._replace(number=number) for number, each in enumerate(given)]
    assert len(estimate_values(many, BASELINE).values) == 3000


@pytest.mark.parametrize("values", [10**6, 4], ids=["distinct", "ties"])
def test_the_nearest_columns_are_those_of_a_stable_sort(values: int) -> None:
    distances = np.random.default_rng(1).integers(0, values, (60, 50)).astype(float)
    expected = np.argsort(distances, axis=1, kind="stable")[:, :10]
    assert np.array_equal(nearest_columns(distances, 10), expected)


def test_finalists_have_the_highest_value_of_the_objective_of_their_estimates() -> None:
    given = trials(linear, 0.001, 60)
    several = [Candidate(*each, params=1, cost_ratio=0.5 if each.number % 3 else 2.0) for each in given]
    objective = ObjectiveSpec(minimise="params", weight=0.5)
    estimates = estimate_values(several, BASELINE).values
    values = {each.number: objective.value(estimates[each.number], each.cost_ratio) for each in several}
    chosen = best_estimated(several, BASELINE, 5, objective.value).values
    assert list(chosen) == sorted(values, key=lambda number: -values[number])[:5]
    assert chosen == {number: estimates[number] for number in chosen}  # the estimate stays that of the AP
    assert all(number % 3 for number in chosen)
    by_ap = best_estimated(several, BASELINE, 5, AP_ALONE).values
    assert any(number % 3 == 0 for number in by_ap)
    assert list(best_estimated(several, BASELINE, 5, objective.value, FIRST).values) == list(by_ap)


def test_of_equal_estimates_and_rewards_fewer_parameters_come_first_then_the_earlier_trial() -> None:
    same = [Candidate(number, BASELINE, 0.25, params, None) for number, params in enumerate((9, 7, 7, 8))]
    assert list(best_estimated(same, BASELINE, 4, AP_ALONE).values) == [1, 2, 3, 0]
    assert list(best_estimated(same, BASELINE, 4, AP_ALONE, FIRST).values) == [0, 1, 2, 3]
