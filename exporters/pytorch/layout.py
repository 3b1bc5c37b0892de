"""The tensors of a detector under the names and in the layouts that PyTorch has, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from search_space.parameters import Parameter, Role

Array = npt.NDArray[np.float32]

_LEAVES: dict[Role, str] = {
    "kernel": "weight",
    "depthwise_kernel": "weight",
    "bias": "bias",
    "scale": "weight",
    "offset": "bias",
    "fusion": "weights",
    "mean": "running_mean",
    "variance": "running_var",
}

# From [height, width, in, out] to [out, in, height, width]; a depthwise kernel is [channels, 1, height, width].
_AXES: dict[Role, tuple[int, ...]] = {"kernel": (3, 2, 0, 1), "depthwise_kernel": (2, 3, 0, 1)}

_SUBNETS = {"class": "class_subnet", "box": "box_subnet"}


def to_torch(tensors: Mapping[str, Array], parameters: Sequence[Parameter]) -> dict[str, Array]:
    """The tensors as the state of the template's `Network`."""
    state = {}
    for parameter in parameters:
        values = tensors[parameter.name]
        axes = _AXES.get(parameter.role)
        state[torch_name(parameter)] = np.ascontiguousarray(values if axes is None else values.transpose(axes))
    return state


def from_torch(state: Mapping[str, Array], parameters: Sequence[Parameter]) -> dict[str, Array]:
    """The inverse of `to_torch`. Raises KeyError where a tensor is missing."""
    tensors = {}
    for parameter in parameters:
        values = state[torch_name(parameter)]
        axes = _AXES.get(parameter.role)
        tensors[parameter.name] = np.ascontiguousarray(values if axes is None else values.transpose(np.argsort(axes)))
    return tensors


def torch_name(parameter: Parameter) -> str:
    """The name of a parameter in the template's `Network`: that of `search_space.cost.parameters`, with dots."""
    part, *path, _ = parameter.name.split("/")
    prefix = [_SUBNETS[part]] if part in _SUBNETS else ["backbone", part]
    return ".".join([*prefix, *path, _LEAVES[parameter.role]])
