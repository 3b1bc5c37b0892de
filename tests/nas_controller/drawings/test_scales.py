"""Axes have round values within their range."""

from __future__ import annotations

import pytest

from nas_controller.drawings.scales import Scale, even_ticks, log_ticks, number, padded
from nas_controller.drawings.style import MINUS


def test_a_scale_maps_its_ends() -> None:
    scale = Scale(2, 4, 100, 300)
    assert (scale(2), scale(3), scale(4)) == (100, 200, 300)
    falling = Scale(1, 100, 200, 0, is_log=True)
    assert falling(10) == pytest.approx(100)


@pytest.mark.parametrize(
    ("low", "high", "count", "labels"),
    [
        (0.281, 0.334, 5, ["0.29", "0.30", "0.31", "0.32", "0.33"]),
        (0, 1, 2, ["0.0", "0.5", "1.0"]),
        (-0.012, 0.011, 4, [f"{MINUS}0.010", f"{MINUS}0.005", "0.000", "0.005", "0.010"]),
        (0, 5000, 5, ["0", "1,000", "2,000", "3,000", "4,000", "5,000"]),
        (4.1, 5.6, 3, ["4.5", "5.0", "5.5"]),
        (0, 0.5, 2, ["0.00", "0.25", "0.50"]),
    ],
)  # fmt: skip
def test_ticks_are_round_and_inside(low: float, high: float, count: int, labels: list[str]) -> None:
    ticks = even_ticks(low, high, count)
    assert [label for _, label in ticks] == labels
    assert all(low <= value <= high for value, _ in ticks)


def test_whole_ticks_have_no_fraction() -> None:
    assert [label for _, label in even_ticks(-0.5, 3.5, 8, whole=True)] == ["0", "1", "2", "3"]


def test_logarithmic_ticks_are_powers_of_ten_where_these_are_enough() -> None:
    assert [label for _, label in log_ticks(0.08, 150, 4)] == ["0.1", "1", "10", "100"]
    assert [label for _, label in log_ticks(0.4, 4, 5)] == ["0.5", "1", "2"]


def test_a_range_without_extent_gets_one() -> None:
    assert padded([0.3], least=0.01) == pytest.approx((0.295, 0.305))
    assert padded([0.0, 1.0], share=0.1) == pytest.approx((-0.1, 1.1))


def test_numbers_that_round_to_zero_have_no_sign() -> None:
    assert number(-0.0001, 2) == "0.00"
    assert number(-1234.5, 1) == f"{MINUS}1,234.5"
