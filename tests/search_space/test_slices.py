"""Slices of a wide network: shared values belong to the same channels in both networks."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from search_space.architecture import Architecture
from search_space.cost import parameters
from search_space.parameters import Parameter
from search_space.published import EFF_SPINENET_D0, SP_EFFICIENTNET_B0
from search_space.slices import Slices, slices


def _widened(architecture: Architecture, by: int) -> Architecture:
    return replace(architecture, widths=tuple(width + by for width in architecture.widths))


NARROW, WIDE = parameters(EFF_SPINENET_D0), parameters(_widened(EFF_SPINENET_D0, 8))


@cache
def _slices() -> Slices:
    return slices(NARROW, WIDE)


def _tensors(group: list[Parameter], flat: np.ndarray) -> dict[str, np.ndarray]:
    ends = np.cumsum([p.size for p in group])
    return {p.name: flat[end - p.size : end].reshape(p.shape) for p, end in zip(group, ends, strict=True)}


def test_a_narrow_network_has_the_first_channels_of_every_tensor() -> None:
    narrow, wide, shared = NARROW, WIDE, _slices()
    count = sum(p.size for p in narrow)
    assert np.array_equal(shared.narrow, np.arange(count))
    assert np.bincount(shared.wide).max() == 1
    assert len(shared.wide) == count
    values = np.arange(sum(p.size for p in wide))
    cut, whole = _tensors(narrow, values[shared.wide]), _tensors(wide, values)
    kernel = "block4/mbconv1/expand/conv/kernel"
    height, width, inputs, outputs = cut[kernel].shape
    assert np.array_equal(cut[kernel], whole[kernel][:height, :width, :inputs, :outputs])


def test_after_space_to_depth_the_first_channels_of_each_of_the_four_groups_are_shared() -> None:
    narrow, wide = NARROW, WIDE
    values = np.arange(sum(p.size for p in wide))
    cut, whole = _tensors(narrow, values[_slices().wide]), _tensors(wide, values)
    channels, other = EFF_SPINENET_D0.widths[1], EFF_SPINENET_D0.widths[1] + 8  # block 5 takes block 2
    scale = whole["block5/from2/space_to_depth_bn/scale"].reshape(4, other)[:, :channels].reshape(-1)
    assert np.array_equal(cut["block5/from2/space_to_depth_bn/scale"], scale)
    kernel = whole["block5/from2/conv/kernel"][0, 0].reshape(4, other, -1)[:, :channels].reshape(4 * channels, -1)
    assert np.array_equal(cut["block5/from2/conv/kernel"][0, 0], kernel[:, : EFF_SPINENET_D0.widths[4]])
    depthwise = whole["block5/from2/depthwise/kernel"]
    expected = depthwise.reshape(*depthwise.shape[:2], 4, other)[..., :channels].reshape(*depthwise.shape[:2], -1, 1)
    assert np.array_equal(cut["block5/from2/depthwise/kernel"], expected)


def test_parameters_that_the_wide_network_lacks_are_not_shared() -> None:
    narrow, wide = parameters(_widened(EFF_SPINENET_D0, 8)), parameters(EFF_SPINENET_D0)
    shared, reverse = slices(narrow, wide), slices(wide, narrow)
    assert np.array_equal(shared.narrow, reverse.wide)
    assert np.array_equal(shared.wide, reverse.narrow)
    assert shared.wide.tolist() == list(range(sum(p.size for p in wide)))


@pytest.mark.parametrize("is_trainable", [True, False])
def test_one_kind_of_parameters_suffices_and_a_parameter_can_be_missing(is_trainable: bool) -> None:
    equal = replace(SP_EFFICIENTNET_B0, widths=(*SP_EFFICIENTNET_B0.widths[:12], *(160,) * 6))
    unequal = replace(equal, widths=(*equal.widths[:12], 96, *equal.widths[13:]))
    with_projection, without = (
        [p for p in parameters(each) if p.is_trainable is is_trainable] for each in (unequal, equal)
    )
    assert {p.name for p in with_projection} - {p.name for p in without}
    shared = slices(with_projection, without)
    assert len(shared.narrow) < sum(p.size for p in with_projection)
    assert len(shared.wide) == len(shared.narrow)
