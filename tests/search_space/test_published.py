"""The published architectures: the rules that scale them, and how the tabulated widths relate to the learned ones."""

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


def test_widths_of_the_scales_are_the_learned_ones_multiplied_and_rounded_but_for_boundary_cases() -> None:
    """Those lie on the other side of a boundary 0.1 % away, but for one, where the table has no 10 % guard."""
    others = {}
    for key, architecture in EFF_SPINENETS.items():
        for block, (learned, width) in enumerate(zip(learned_widths(), architecture.widths, strict=True), start=1):
            exact = SCALES[key].width_multiplier * learned
            if width not in (round_width(0.999 * exact), round_width(1.001 * exact)):
                others[key, block] = (round(exact, 1), width)
    assert others == {("M2", 1): (11.3, 8)}


def test_scaled_sp_efficientnets_follow_their_scale() -> None:
    assert [each.name for each in SP_EFFICIENTNETS] == [f"SP-EfficientNet-B{number}" for number in range(5)]
    assert [each.input_px for each in SP_EFFICIENTNETS] == [512, 640, 768, 896, 1024]
    assert SP_EFFICIENTNETS[2].widths == tuple(round_width(1.1 * width) for width in SP_EFFICIENTNETS[0].widths)
