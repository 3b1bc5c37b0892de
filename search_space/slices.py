"""The values of a wide network that a narrower one shares: the first channels of every tensor.

For shared weights, as in slimmable networks (Yu et al., 2019). A tensor of the narrower network is the first channels
of the wide one's along every axis; where channels come in groups, of each group. Parameters and channels that the wide
network does not have are in no slice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from search_space.parameters import Parameter

Places = npt.NDArray[np.int64]


class Slices(NamedTuple):
    """Places in two flat vectors, in the order of their parameters: value `narrow[i]` of the one is `wide[i]` of the
    other."""

    narrow: Places
    wide: Places


def slices(narrow: Sequence[Parameter], wide: Sequence[Parameter]) -> Slices:
    """The shared places of two networks of one topology; both are given by all their parameters or by one kind."""
    starts, start = {}, 0
    for parameter in wide:
        starts[parameter.name] = (parameter, start)
        start += parameter.size
    own: list[Places] = []
    others: list[Places] = []
    start = 0
    for parameter in narrow:
        if parameter.name in starts:
            other, other_start = starts[parameter.name]
            own.append(start + _first_channels(parameter, other))
            others.append(other_start + _first_channels(other, parameter))
        start += parameter.size
    return Slices(np.concatenate(own), np.concatenate(others))


def _first_channels(parameter: Parameter, other: Parameter) -> Places:
    """The places, within the tensor, of what it shares with the other."""
    axes = [np.arange(min(sides)) for sides in zip(parameter.shape, other.shape, strict=True)]
    grouped = max(0, len(axes) - 2)
    size, other_size = (each.shape[grouped] // each.groups for each in (parameter, other))
    within = np.arange(min(size, other_size))
    axes[grouped] = (np.arange(parameter.groups)[:, None] * size + within).reshape(-1)
    return np.ravel_multi_index(np.ix_(*axes), parameter.shape).reshape(-1)
