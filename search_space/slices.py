"""The values that a narrow network shares with a wide one: the first channels of every tensor.

This is weight sharing as in slimmable networks (Yu et al., 2019). A tensor of the narrow network has the first channels
of the wide network's tensor along every axis; grouped channels are taken from each group. Parameters and channels that
the wide network lacks are not shared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy.typing as npt

from search_space.parameters import Parameter

Vector = npt.NDArray[Any]


class _Place(NamedTuple):
    """A tensor in a flat vector; a grouped axis is split into groups and channels of a group."""

    start: int
    stop: int
    shape: tuple[int, ...]

    def of(self, flat: Vector) -> Vector:
        return flat[self.start : self.stop].reshape(self.shape)


class Slices:
    """Copies shared values between the flat vectors of two networks of one topology.

    The networks are given by all their parameters or by those of one kind.
    """

    def __init__(self, narrow: Sequence[Parameter], wide: Sequence[Parameter]) -> None:
        wide_places = {parameter.name: place for parameter, place in _places(wide)}
        self._pairs = []
        for parameter, place in _places(narrow):
            if (other := wide_places.get(parameter.name)) is not None:
                shared = tuple(slice(min(sizes)) for sizes in zip(place.shape, other.shape, strict=True))
                self._pairs.append((place, other, shared))

    def read(self, wide: Vector, narrow: Vector) -> None:
        """Copies the shared values of `wide` into `narrow`, in place."""
        for place, other, shared in self._pairs:
            place.of(narrow)[shared] = other.of(wide)[shared]

    def write(self, narrow: Vector, wide: Vector) -> None:
        """Copies the shared values of `narrow` into `wide`, in place."""
        for place, other, shared in self._pairs:
            other.of(wide)[shared] = place.of(narrow)[shared]


def _places(parameters: Sequence[Parameter]) -> Iterator[tuple[Parameter, _Place]]:
    start = 0
    for parameter in parameters:
        stop = start + parameter.size
        yield parameter, _Place(start, stop, _grouped(parameter))
        start = stop


def _grouped(parameter: Parameter) -> tuple[int, ...]:
    """The shape with the grouped axis split: that of the input channels, or the only one."""
    axis = max(0, len(parameter.shape) - 2)
    before, size, after = parameter.shape[:axis], parameter.shape[axis], parameter.shape[axis + 1 :]
    return (*before, parameter.groups, size // parameter.groups, *after)
