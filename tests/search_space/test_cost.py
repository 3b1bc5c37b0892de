"""Costs of networks, by counting and by the quadratic form; parameters and their initial values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from search_space.architecture import Architecture
from search_space.cost import cost_report, parameters
from search_space.errors import InvalidValueError
from search_space.parameters import initial_values
from search_space.published import BASES, EFF_SPINENET_D0, SP_EFFICIENTNET_B0
from search_space.quadratic_cost import QuadraticCost


@pytest.mark.parametrize("base", BASES)
def test_the_quadratic_form_equals_the_counted_cost(base: str) -> None:
    quadratic, rng = QuadraticCost(BASES[base]), np.random.default_rng(0)
    for trial in range(10):
        widths = [int(width) for width in rng.integers(1, 300, 18)]
        if trial % 2:
            widths[15] = widths[12]  # block 13 is added to block 16 without a projection
        report = cost_report(replace(BASES[base], widths=tuple(widths)))
        assert quadratic.counts(widths) == (report.madds, report.params)


def test_a_wider_stem_costs_at_least_its_convolution() -> None:
    """The stem of D0 has 256 x 256 positions with 3 x 3 x 3 x 8 multiply-adds each."""
    report, wider = (cost_report(replace(EFF_SPINENET_D0, stem_width=width)) for width in (8, 16))
    expand = 256 * 256 * 8 * 6 * 8  # the first block's expansion, 6 times its input, from 8 channels
    assert wider.madds - report.madds > 256 * 256 * 27 * 8
    assert report.madds > expand


def test_the_costs_of_the_blocks_add_up_to_less_than_the_total() -> None:
    report = cost_report(SP_EFFICIENTNET_B0)
    assert [block.block for block in report.blocks] == list(range(1, 19))
    assert 0.5 * report.madds < sum(block.madds for block in report.blocks) < report.madds
    assert sum(block.params for block in report.blocks) < report.params


def test_cost_scales_with_the_image_size_and_odd_sizes_are_rounded_up() -> None:
    small, large = (cost_report(replace(EFF_SPINENET_D0, input_px=px)) for px in (256, 512))
    assert 3.9 < large.madds / small.madds < 4.1
    assert small.params == large.params
    assert cost_report(replace(EFF_SPINENET_D0, input_px=257)).madds > small.madds


def test_initial_values_are_a_function_of_the_seed() -> None:
    wanted = parameters(EFF_SPINENET_D0.scaled(0.3, divisor=2, input_px=64))
    values = initial_values(wanted, 1)
    assert values.size == sum(parameter.size for parameter in wanted)
    np.testing.assert_array_equal(values, initial_values(wanted, 1))
    assert not np.array_equal(values, initial_values(wanted, 2))
    by_name = dict(zip([p.name for p in wanted], np.split(values, np.cumsum([p.size for p in wanted])), strict=False))
    kernel = by_name["block12/mbconv1/expand/conv/kernel"]
    width = EFF_SPINENET_D0.scaled(0.3, divisor=2).widths[11]
    assert kernel.std() == pytest.approx(width**-0.5, rel=0.05)
    assert np.all(by_name["class/predict/pointwise/bias"] == pytest.approx(np.log(0.01 / 0.99)))
    assert np.all(by_name["stem/bn/scale"] == 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"widths": (8,) * 17}, "widths has 17 values; there must be 18"),
        ({"widths": (0,) + (8,) * 17}, r"widths\[0\] is 0; it must be a whole number from 1"),
        ({"widths": (8.5,) + (8,) * 17}, r"widths\[0\] is 8.5"),
        ({"input_px": -1}, "input_px is -1"),
        ({"subnet_layers": True}, "subnet_layers is True"),
    ],
)
def test_an_invalid_architecture_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidValueError, match=message):
        Architecture(**{"widths": (8,) * 18, **change})  # type: ignore[arg-type]
