"""The parameters of a network: their shapes, roles and initial values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Role = Literal["kernel", "depthwise_kernel", "bias", "scale", "offset", "fusion", "mean", "variance"]

_STATISTICS: tuple[Role, ...] = ("mean", "variance")
_KERNELS: tuple[Role, ...] = ("kernel", "depthwise_kernel")


@dataclass(frozen=True)
class Parameter:
    """One parameter tensor; kernels are `[height, width, in, out]`, a depthwise one `[height, width, channels, 1]`.

    Its channels, for a kernel the input channels, come in so many `groups` of equal size, one behind the other.
    """

    name: str
    role: Role
    shape: tuple[int, ...]
    initial: float
    groups: int = 1

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    @property
    def is_trainable(self) -> bool:
        """False for the running statistics of batch normalisation."""
        return self.role not in _STATISTICS

    @property
    def is_decayed(self) -> bool:
        """Whether weight decay applies: to kernels only; it harms biases and is useless for what is normalised."""
        return self.role in _KERNELS

    @property
    def fan_in(self) -> int:
        """Inputs that one output value sees."""
        channels = 1 if self.role == "depthwise_kernel" else self.shape[2]
        return self.shape[0] * self.shape[1] * channels


def by_kind(parameters: Sequence[Parameter]) -> tuple[list[Parameter], list[Parameter]]:
    """The trainable parameters and the running statistics, each in their order."""
    return [p for p in parameters if p.is_trainable], [p for p in parameters if not p.is_trainable]


def is_prediction(name: str) -> bool:
    """Whether a path of parameters belongs to a layer that gives predictions."""
    return "/predict/" in name


def initial_values(parameters: Sequence[Parameter], seed: int) -> npt.NDArray[np.float32]:
    """Initial values of all `parameters`, flat and in order; kernels are normal with variance 1 / fan-in.

    The prediction layers' kernels start at 0.01, as RetinaNet has them. Each tensor draws from a generator of its
    own, seeded by its name, so that what one architecture adds does not move the values of the others.
    """
    return np.concatenate([_initial(parameter, seed) for parameter in parameters], dtype=np.float32)


def _initial(parameter: Parameter, seed: int) -> npt.NDArray[np.float32]:
    if parameter.role not in _KERNELS:
        return np.full(parameter.size, parameter.initial, dtype=np.float32)
    generator = np.random.default_rng([seed, *parameter.name.encode()])
    predicts = parameter.role == "kernel" and is_prediction(parameter.name)
    deviation = 0.01 if predicts else math.sqrt(1 / parameter.fan_in)
    return generator.standard_normal(parameter.size, dtype=np.float32) * np.float32(deviation)
