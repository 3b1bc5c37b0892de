"""The values that a narrow network shares with a wide one: the first channels of every tensor.

This is weight sharing as in slimmable networks (Yu et al., 2019). A tensor of the narrow network has the first channels
of the wide network's tensor along every axis; grouped channels are taken from each group. Parameters and channels that
the wide network lacks are not shared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from search_space.parameters import Parameter

Indices = npt.NDArray[np.int64]


class Slices(NamedTuple):
    """Indices of shared values: value `narrow[i]` of the narrow flat vector is value `wide[i]` of the wide one."""

    narrow: Indices
    wide: Indices


def slices(narrow: Sequence[Parameter], wide: Sequence[Parameter]) -> Slices:
    """The shared values of two networks of one topology, given by all their parameters or by those of one kind."""
    starts, start = {}, 0
    for parameter in wide:
        starts[parameter.name] = (parameter, start)
        start += parameter.size
    own: list[Indices] = []
    others: list[Indices] = []
    start = 0
    for parameter in narrow:
        if parameter.name in starts:
            other, other_start = starts[parameter.name]
            own.append(start + _first_channels(parameter, other))
            others.append(other_start + _first_channels(other, parameter))
        start += parameter.size
    return Slices(np.concatenate(own), np.concatenate(others))


def _first_channels(parameter: Parameter, other: Parameter) -> Indices:
    """The indices, within the flattened tensor, of the values that it shares with the other."""
    axes = [np.arange(min(sizes)) for sizes in zip(parameter.shape, other.shape, strict=True)]
    grouped = max(0, len(axes) - 2)
    size, other_size = (each.shape[grouped] // each.groups for each in (parameter, other))
    within = np.arange(min(size, other_size))
    axes[grouped] = (np.arange(parameter.groups)[:, None] * size + within).reshape(-1)
    return np.ravel_multi_index(np.ix_(*axes), parameter.shape).reshape(-1)
