"""The synthetic reward: deterministic, within (0, 1), with its optimum at the documented widths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas_controller.execution.synthetic_reward import FLOOR, HEIGHT, OPTIMUM_FACTORS, reward
from search_space.space import SearchSpace

BASE = SearchSpace().base.widths
WIDTHS = st.lists(st.integers(1, 100).map(lambda n: 8 * n), min_size=18, max_size=18)


@given(WIDTHS)
def test_the_reward_is_within_its_bounds(widths: list[int]) -> None:
    value = reward(widths, BASE)
    assert FLOOR <= value <= FLOOR + HEIGHT
    assert value == reward(widths, BASE)


def test_the_optimum_is_at_the_optimum_factors_and_not_at_the_uniform_widths() -> None:
    large_base = [1000 * width for width in BASE]
    optimum = [round(factor * width) for factor, width in zip(OPTIMUM_FACTORS, large_base, strict=True)]
    best = reward(optimum, large_base)
    assert best == pytest.approx(FLOOR + HEIGHT)
    assert reward(BASE, BASE) < best - 0.3
    for block in range(18):
        changed = list(optimum)
        changed[block] = changed[block] * 11 // 10
        assert reward(changed, large_base) < best


def test_a_wrong_number_of_widths_is_refused() -> None:
    with pytest.raises(ValueError, match="argument"):
        reward(BASE[:17], BASE)
