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
    """One parameter tensor; kernels are `[height, width, in, out]`, depthwise ones `[height, width, channels, 1]`.

    Its channels (for a kernel, the input channels) consist of `groups` contiguous groups of equal size.
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
        """Whether weight decay applies: to kernels only; it harms biases and is useless for normalised values."""
        return self.role in _KERNELS

    @property
    def fan_in(self) -> int:
        """The number of inputs of one output value."""
        channels = 1 if self.role == "depthwise_kernel" else self.shape[2]
        return self.shape[0] * self.shape[1] * channels


def by_kind(parameters: Sequence[Parameter]) -> tuple[list[Parameter], list[Parameter]]:
    """The trainable parameters and the running statistics, each in their order."""
    return [p for p in parameters if p.is_trainable], [p for p in parameters if not p.is_trainable]


def is_prediction(name: str) -> bool:
    """Whether a parameter path belongs to a prediction layer."""
    return "/predict/" in name


def initial_values(parameters: Sequence[Parameter], seed: int) -> npt.NDArray[np.float32]:
    """Initial values of all `parameters` as one flat vector; kernels are normal with variance 1 / fan-in.

    Kernels of prediction layers have a standard deviation of 0.01, as in RetinaNet. Each tensor has its own generator,
    seeded by its name, so that additional parameters of one architecture do not change the values of the others.
    """
    return np.concatenate([_initial(parameter, seed) for parameter in parameters], dtype=np.float32)


def _initial(parameter: Parameter, seed: int) -> npt.NDArray[np.float32]:
    if parameter.role not in _KERNELS:
        return np.full(parameter.size, parameter.initial, dtype=np.float32)
    generator = np.random.default_rng([seed, *parameter.name.encode()])
    predicts = parameter.role == "kernel" and is_prediction(parameter.name)
    deviation = 0.01 if predicts else math.sqrt(1 / parameter.fan_in)
    return generator.standard_normal(parameter.size, dtype=np.float32) * np.float32(deviation)
