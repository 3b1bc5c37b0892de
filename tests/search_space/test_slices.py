"""Slices of a wide network: shared values belong to the same channels in both networks."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from search_space.architecture import Architecture
from search_space.cost import parameters
from search_space.parameters import Parameter
from search_space.published import EFF_SPINENET_D0, SP_EFFICIENTNET_B0
from search_space.slices import FlatTensors, Slices


def _widened(architecture: Architecture, by: int) -> Architecture:
    return replace(architecture, widths=tuple(width + by for width in architecture.widths))


NARROW, WIDE = parameters(EFF_SPINENET_D0), parameters(_widened(EFF_SPINENET_D0, 8))


def _slices(narrow: list[Parameter], wide: list[Parameter]) -> Slices:
    return Slices(FlatTensors(narrow), FlatTensors(wide))


def _numbered(group: list[Parameter]) -> np.ndarray:
    """A flat vector with a number above 0 for each value."""
    return np.arange(1, 1 + sum(p.size for p in group))


@cache
def _narrow() -> np.ndarray:
    """The numbers of the wide network's values in a vector of the narrow one."""
    narrow = np.zeros(sum(p.size for p in NARROW), int)
    _slices(NARROW, WIDE).read(_numbered(WIDE), narrow)
    return narrow


def _tensors(group: list[Parameter], flat: np.ndarray) -> dict[str, np.ndarray]:
    ends = np.cumsum([p.size for p in group])
    return {p.name: flat[end - p.size : end].reshape(p.shape) for p, end in zip(group, ends, strict=True)}


def test_a_narrow_network_has_the_first_channels_of_every_tensor() -> None:
    assert _narrow().all()
    assert len(set(_narrow())) == len(_narrow())
    cut, whole = _tensors(NARROW, _narrow()), _tensors(WIDE, _numbered(WIDE))
    kernel = "block4/mbconv1/expand/conv/kernel"
    height, width, inputs, outputs = cut[kernel].shape
    assert np.array_equal(cut[kernel], whole[kernel][:height, :width, :inputs, :outputs])


def test_after_space_to_depth_the_first_channels_of_each_of_the_four_groups_are_shared() -> None:
    cut, whole = _tensors(NARROW, _narrow()), _tensors(WIDE, _numbered(WIDE))
    channels, other = EFF_SPINENET_D0.widths[1], EFF_SPINENET_D0.widths[1] + 8  # block 5 takes block 2
    scale = whole["block5/from2/space_to_depth_bn/scale"].reshape(4, other)[:, :channels].reshape(-1)
    assert np.array_equal(cut["block5/from2/space_to_depth_bn/scale"], scale)
    kernel = whole["block5/from2/conv/kernel"][0, 0].reshape(4, other, -1)[:, :channels].reshape(4 * channels, -1)
    assert np.array_equal(cut["block5/from2/conv/kernel"][0, 0], kernel[:, : EFF_SPINENET_D0.widths[4]])
    depthwise = whole["block5/from2/depthwise/kernel"]
    expected = depthwise.reshape(*depthwise.shape[:2], 4, other)[..., :channels].reshape(*depthwise.shape[:2], -1, 1)
    assert np.array_equal(cut["block5/from2/depthwise/kernel"], expected)


def test_what_is_written_is_read_again_and_nothing_else_changes() -> None:
    wide = _numbered(WIDE)
    slices = _slices(NARROW, WIDE)
    slices.write(-_narrow(), wide)
    assert np.array_equal(np.abs(wide), _numbered(WIDE))
    assert set(-wide[wide < 0]) == set(_narrow())
    read = np.zeros_like(_narrow())
    slices.read(wide, read)
    assert np.array_equal(read, -_narrow())


def test_parameters_that_the_wide_network_lacks_are_not_shared() -> None:
    kept = np.zeros(sum(p.size for p in WIDE), int)
    _slices(WIDE, NARROW).read(_numbered(NARROW), kept)
    assert np.count_nonzero(kept) == sum(p.size for p in NARROW)


@pytest.mark.parametrize("is_trainable", [True, False])
def test_one_kind_of_parameters_suffices_and_a_parameter_can_be_missing(is_trainable: bool) -> None:
    equal = replace(SP_EFFICIENTNET_B0, widths=(*SP_EFFICIENTNET_B0.widths[:12], *(160,) * 6))
    unequal = replace(equal, widths=(*equal.widths[:12], 96, *equal.widths[13:]))
    with_projection, without = (
        [p for p in parameters(each) if p.is_trainable is is_trainable] for each in (unequal, equal)
    )
    missing = {p.name for p in with_projection} - {p.name for p in without}
    assert missing
    read = np.zeros(sum(p.size for p in with_projection), int)
    _slices(with_projection, without).read(_numbered(without), read)
    values = _tensors(with_projection, read)
    assert {name for name, each in values.items() if not each.any()} == missing
