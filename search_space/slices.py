"""The values that a narrow network shares with a wide one: the first channels of every tensor.

This is weight sharing as in slimmable networks (Yu et al., 2019). A tensor of the narrow network has the first channels
of the wide network's tensor along every axis; grouped channels are taken from each group. Parameters and channels that
the wide network lacks are not shared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from search_space.parameters import Parameter

Vector = npt.NDArray[Any]


class FlatTensors:
    """The indices of a network's tensors in its flat vector.

    The network is given by all its parameters or by those of one kind.
    """

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        ends = np.cumsum([parameter.size for parameter in parameters], dtype=np.intp).tolist()
        self.size: int = ends[-1] if ends else 0
        self.indices = {
            parameter.name: np.arange(end - parameter.size, end).reshape(_grouped(parameter))
            for parameter, end in zip(parameters, ends, strict=True)
        }


class Slices:
    """Copies shared values between the flat vectors of two networks of one topology."""

    def __init__(self, narrow: FlatTensors, wide: FlatTensors) -> None:
        shared: list[tuple[Vector, Vector]] = []
        for name, indices in narrow.indices.items():
            if (others := wide.indices.get(name)) is not None:
                common = tuple(map(slice, map(min, indices.shape, others.shape)))
                shared.append((indices[common].ravel(), others[common].ravel()))
        self._narrow, self._wide = (np.concatenate(each) for each in zip(*shared, strict=True))

    def read(self, wide: Vector, narrow: Vector) -> None:
        """Copies the shared values of `wide` into `narrow`, in place."""
        narrow[self._narrow] = wide[self._wide]

    def write(self, narrow: Vector, wide: Vector) -> None:
        """Copies the shared values of `narrow` into `wide`, in place."""
        wide[self._wide] = narrow[self._narrow]


def _grouped(parameter: Parameter) -> tuple[int, ...]:
    """The shape with the grouped axis split: that of the input channels, or the only one."""
    axis = max(0, len(parameter.shape) - 2)
    before, size, after = parameter.shape[:axis], parameter.shape[axis], parameter.shape[axis + 1 :]
    return (*before, parameter.groups, size // parameter.groups, *after)
