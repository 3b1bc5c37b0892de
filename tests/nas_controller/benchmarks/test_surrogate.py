"""The surrogate predicts rewards that it was not fitted to, and states its error."""

from __future__ import annotations

import numpy as np
import pytest

from nas_controller.benchmarks.searchers.landscapes import separable
from nas_controller.benchmarks.searchers.surrogate import MAX_ROWS, Surrogate, subset
from search_space.space import SearchSpace

WIDTHS = [candidate.widths for candidate in SearchSpace().random_candidates(160, seed=1)]
REWARDS = [separable(widths) for widths in WIDTHS]


def test_the_leave_one_out_error_is_that_of_fits_without_each_row() -> None:
    widths, rewards = WIDTHS[:30], REWARDS[:30]
    surrogate = Surrogate(widths, rewards)
    scaled = (np.array(rewards) - np.mean(rewards)) / np.std(rewards)
    kernel = surrogate._kernel(surrogate._points, surrogate.fit.length)
    errors = []
    for row in range(30):
        rest = np.arange(30) != row
        covariance = kernel[np.ix_(rest, rest)] + surrogate.fit.noise * np.eye(29)
        errors.append(scaled[row] - kernel[row, rest] @ np.linalg.solve(covariance, scaled[rest]))
    assert surrogate.fit.error == pytest.approx(np.sqrt(np.mean(np.square(errors))) * np.std(rewards))


def test_it_predicts_architectures_that_it_has_not_seen() -> None:
    surrogate = Surrogate(WIDTHS[:120], REWARDS[:120])
    errors = [surrogate(widths) - reward for widths, reward in zip(WIDTHS[120:], REWARDS[120:], strict=True)]
    error = float(np.sqrt(np.mean(np.square(errors))))
    assert error < 0.7 * np.std(REWARDS)
    assert surrogate.fit.error == pytest.approx(error, rel=0.5)
    assert surrogate.fit.rank_correlation > 0.6
    assert (surrogate.fit.rows, surrogate.fit.architectures) == (120, 120)


def test_predictions_are_rewards() -> None:
    surrogate = Surrogate(WIDTHS[:30], [0.0, 1.0] * 15)
    for widths in ((8,) * 18, (4096,) * 18):
        assert 0.0 <= surrogate(widths) <= 1.0


def test_a_subset_spreads_over_the_rewards_and_is_always_the_same() -> None:
    rewards = np.random.default_rng(3).normal(0.3, 0.01, 5 * MAX_ROWS).tolist()
    chosen = subset(rewards)
    assert len(set(chosen)) == MAX_ROWS
    ranks = np.argsort(np.argsort(rewards))[chosen]
    assert np.array_equal(np.sort(ranks) // 5, np.arange(MAX_ROWS))  # one of every five neighbours
    assert np.array_equal(chosen, subset(rewards))
    assert np.array_equal(subset(rewards[:MAX_ROWS]), np.arange(MAX_ROWS))


def test_a_fit_of_a_subset_says_of_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nas_controller.benchmarks.searchers.surrogate.MAX_ROWS", 40)
    fit = Surrogate(WIDTHS, REWARDS).fit
    assert (fit.rows, fit.architectures) == (40, len(WIDTHS))
