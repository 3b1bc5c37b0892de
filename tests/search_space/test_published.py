"""The published architectures: scaling rules, and the relation of tabulated to learned widths."""

from __future__ import annotations

import pytest

from search_space.published import EFF_SPINENETS, SCALES, SP_EFFICIENTNETS, compound_repeats, learned_widths
from search_space.rounding import round_width

ONCE = (1,) * 18
TABLE_2 = (2, 2, 1, 1, 2, 2, 2, 1, 1, 2, 1, 2, 1, 1, 1, 1, 1, 1)


@pytest.mark.parametrize(
    ("depth_multiplier", "repeats"),
    [
        (1.0, ONCE),
        (1.1, TABLE_2),
        (1.2, TABLE_2),
        # Not in the paper: the authors' D3 and D4.
        (1.4, (2, 2, 1, 1, 2, 2, 2, 1, 2, 2, 1, 2, 2, 2, 1, 1, 1, 1)),
        (1.8, (2, 2, 2, 1, 3, 2, 3, 1, 2, 3, 1, 2, 2, 2, 2, 2, 1, 1)),
    ],
)
def test_the_repeat_rule_gives_the_published_repeats(depth_multiplier: float, repeats: tuple[int, ...]) -> None:
    assert compound_repeats(depth_multiplier) == repeats


def test_tabulated_widths_are_the_scaled_learned_widths_except_near_rounding_boundaries() -> None:
    """Within 0.1 % of a boundary either side is accepted; one width is rounded without the 10 % guard."""
    exceptions = {}
    for key, architecture in EFF_SPINENETS.items():
        for block, (learned, width) in enumerate(zip(learned_widths(), architecture.widths, strict=True), start=1):
            exact = SCALES[key].width_multiplier * learned
            if width not in (round_width(0.999 * exact), round_width(1.001 * exact)):
                exceptions[key, block] = (round(exact, 1), width)
    assert exceptions == {("M2", 1): (11.3, 8)}


def test_scaled_sp_efficientnets_follow_their_scale() -> None:
    assert [each.name for each in SP_EFFICIENTNETS] == [f"SP-EfficientNet-B{number}" for number in range(5)]
    assert [each.input_px for each in SP_EFFICIENTNETS] == [512, 640, 768, 896, 1024]
    assert SP_EFFICIENTNETS[2].widths == tuple(round_width(1.1 * width) for width in SP_EFFICIENTNETS[0].widths)
