"""The synthetic reward: deterministic, inside (0, 1), with its optimum where it says."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas_controller.execution.synthetic_reward import FLOOR, HEIGHT, WISHES, reward
from search_space.space import SearchSpace

BASE = SearchSpace().base.widths
WIDTHS = st.lists(st.integers(1, 100).map(lambda n: 8 * n), min_size=18, max_size=18)


@given(WIDTHS)
def test_it_lies_between_its_floor_and_its_height(widths: list[int]) -> None:
    value = reward(widths, BASE)
    assert FLOOR <= value <= FLOOR + HEIGHT
    assert value == reward(widths, BASE)


def test_the_optimum_is_at_the_wishes_and_not_at_the_uniform_widths() -> None:
    thousandfold = [1000 * width for width in BASE]
    wished = [round(wish * width) for wish, width in zip(WISHES, thousandfold, strict=True)]
    best = reward(wished, thousandfold)
    assert best == pytest.approx(FLOOR + HEIGHT)
    assert reward(BASE, BASE) < best - 0.3
    for block in range(18):
        moved = list(wished)
        moved[block] = moved[block] * 11 // 10
        assert reward(moved, thousandfold) < best


def test_it_sleeps_when_asked() -> None:
    began = time.monotonic()
    reward(BASE, BASE, seconds=0.05)
    assert time.monotonic() - began >= 0.05


def test_a_wrong_number_of_widths_is_refused() -> None:
    with pytest.raises(ValueError, match="argument"):
        reward(BASE[:17], BASE)
