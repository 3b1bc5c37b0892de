"""Architectures and weights with which a network in another framework is compared with the engine's."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from search_space.architecture import Architecture
from search_space.cost import parameters
from search_space.detector_model import DetectorModel
from search_space.document import BlockSpecification
from search_space.parameters import Parameter, is_prediction

FloatArray = npt.NDArray[np.float32]

BATCH = 3
SMALL, ODD = (66, 140), (75, 133)
"""Sizes of images that are not square, and are rounded up at most levels."""

# All widths are odd, blocks 13 and 16 of unequal width.
UNEQUAL = Architecture(
    (3, 5, 5, 7, 9, 5, 11, 3, 9, 13, 7, 11, 9, 7, 5, 15, 13, 3), name="unequal",
    stem_width=5, subnet_width=7, subnet_layers=2, class_slots=3, input_px=96,
)  # fmt: skip
# Blocks 13 and 16 have the same width. So have the stem and block 1, but not blocks 2 and 3; above it is the reverse.
REPEATED = Architecture(
    (5, 3, 7, 5, 11, 7, 9, 5, 7, 9, 3, 13, 11, 5, 9, 11, 7, 5), name="repeated",
    repeats=(2, 2, 1, 2, 1, 1, 3, 1, 1, 1, 2, 1, 2, 1, 1, 2, 1, 1),
    stem_width=5, subnet_width=7, subnet_layers=2, class_slots=3, input_px=96,
)  # fmt: skip


def detector(architecture: Architecture, *, anchor_size: float = 2.0, seed: int = 1) -> DetectorModel:
    """The detector with random weights, none of them zero, and random running statistics.

    All fusion weights but one are positive. So are the offsets: with negative ones, where swish is curved, these deep
    networks amplify the rounding of single precision hundreds of times in training.
    """
    rng = np.random.default_rng(seed)
    tensors = {parameter.name: _values(parameter, rng) for parameter in parameters(architecture)}
    if "block6/fusion/weights" in tensors:
        tensors["block6/fusion/weights"][0] *= -1
    specification = BlockSpecification(architecture, {}, anchor_size=anchor_size)
    return DetectorModel(specification, tensors, "trained", seed)


def _values(parameter: Parameter, rng: np.random.Generator) -> FloatArray:
    if len(parameter.shape) == 4:
        # Small predictions: scores of 1, which large logits give, would be in no order.
        factor = 0.2 if is_prediction(parameter.name) else 1.0
        values = rng.normal(0, factor / np.sqrt(parameter.fan_in), parameter.shape)
    else:
        values = rng.uniform(0.5, 1.5, parameter.shape)
        if parameter.role not in ("variance", "fusion", "offset"):
            values *= rng.choice([-1, 1], parameter.shape)
    return values.astype(np.float32)


def images(size: tuple[int, int], seed: int = 2) -> FloatArray:
    """Normalised images `[batch, height, width, 3]` of noise."""
    return np.random.default_rng(seed).normal(size=(BATCH, *size, 3)).astype(np.float32)
