"""Detectors with odd widths and random weights, none of which is trivial, for tests of the exports."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search_space.architecture import Architecture
from search_space.cost import parameters
from search_space.detector_model import Tensors
from search_space.networks.retinanet import retinanet
from search_space.parameters import Parameter
from tests.support.numpy_ops import NumpyOps

# All widths are odd. Block 13 needs a projection into block 16, and neither block 1 nor block 3 has a residual.
UNEQUAL = Architecture(
    (3, 5, 5, 7, 9, 5, 11, 3, 9, 13, 7, 11, 9, 7, 5, 15, 13, 3), name="unequal",
    stem_width=5, subnet_width=7, subnet_layers=2, class_slots=3, input_px=64,
)  # fmt: skip
# Blocks 13 and 16 have the same width, as have the stem and block 1.
REPEATED = Architecture(
    (5, 3, 7, 5, 11, 7, 9, 5, 7, 9, 3, 13, 11, 5, 9, 11, 7, 5), name="repeated",
    repeats=(2, 2, 1, 2, 1, 1, 3, 1, 1, 1, 2, 1, 2, 1, 1, 2, 1, 1),
    stem_width=5, subnet_width=7, subnet_layers=2, class_slots=3, input_px=64,
)  # fmt: skip


CALIBRATION = (4, 66, 140, 3)
"""The shape of the images that the batch statistics are taken from; P7 has two positions."""


def random_tensors(architecture: Architecture, seed: int = 1) -> Tensors:
    """Random weights of a detector, with the batch statistics that images of noise have under them.

    With random statistics, features would hardly depend on the image, and a comparison of outputs would not see an
    error in the first layers.
    """
    values = dict(random_values(parameters(architecture), seed))
    ops = NumpyOps({name: each.astype(np.float64) for name, each in values.items()}, training=True)
    retinanet(ops, architecture, np.random.default_rng(seed).normal(size=CALIBRATION))
    return values | {name: each.astype(np.float32) for name, each in ops.batch_statistics.items()}


def random_values(network: Sequence[Parameter], seed: int = 1) -> Tensors:
    """Random nonzero values, so that residual branches and running statistics matter; one fusion weight is negative."""
    rng = np.random.default_rng(seed)
    values = {parameter.name: _random(rng, parameter) for parameter in network}
    if "block6/fusion/weights" in values:
        values["block6/fusion/weights"][0] *= -1
    return values


def _random(rng: np.random.Generator, parameter: Parameter) -> np.ndarray:
    if len(parameter.shape) == 4:
        return rng.normal(0, 1 / np.sqrt(parameter.fan_in), parameter.shape).astype(np.float32)
    size = rng.uniform(0.5, 1.5, parameter.shape)
    is_positive = parameter.role in ("variance", "fusion", "offset")
    return (size if is_positive else size * rng.choice([-1, 1], parameter.shape)).astype(np.float32)
