"""RetinaNet: class and box subnets over a feature pyramid (section 4.1)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from search_space.architecture import ANCHORS_PER_LOCATION, COCO_CLASS_SLOTS, Architecture
from search_space.networks.layers import separable
from search_space.networks.scale_permuted import pyramid
from search_space.topology import MAX_ENDPOINT_LEVEL, MIN_ENDPOINT_LEVEL

if TYPE_CHECKING:
    from search_space.ops import Activation, Ops

T = TypeVar("T")

LEVELS = tuple(range(MIN_ENDPOINT_LEVEL, MAX_ENDPOINT_LEVEL + 1))
CLASS_PRIOR_BIAS = math.log(0.01 / 0.99)
"""The bias for an initial probability of 1 % per anchor, as focal loss requires."""


@dataclass(frozen=True)
class Subnets:
    """The class and the box subnet, each with `layers` 3x3 convolutions of `width` channels and a prediction layer.

    Each of the 9 anchors per location has `class_slots` logits and 4 box values. The convolutions are separable unless
    `is_separable` is False, as in the larger models that the paper compares with.
    """

    width: int
    layers: int
    class_slots: int = COCO_CLASS_SLOTS
    activation: Activation = "swish"
    is_separable: bool = True


class RetinaNetOutputs(NamedTuple, Generic[T]):
    """Raw predictions by level 3 to 7: class logits `[batch, h, w, 9 * classes]`, boxes `[batch, h, w, 9 * 4]`."""

    class_logits: dict[int, T]
    boxes: dict[int, T]


def retinanet(ops: Ops[T], architecture: Architecture, images: T) -> RetinaNetOutputs[T]:
    """RetinaNet over the scale-permuted backbone, for images `[batch, height, width, 3]`."""
    subnets = Subnets(
        architecture.subnet_width,
        architecture.subnet_layers,
        architecture.class_slots,
        architecture.operations.activation,
    )
    return retinanet_subnets(ops, subnets, pyramid(ops, architecture, images))


def retinanet_subnets(ops: Ops[T], subnets: Subnets, features: dict[int, T]) -> RetinaNetOutputs[T]:
    """The predictions from features P3 to P7, by level."""
    class_width = ANCHORS_PER_LOCATION * subnets.class_slots
    return RetinaNetOutputs(
        class_logits=_subnet(ops, subnets, features, "class", class_width, CLASS_PRIOR_BIAS),
        boxes=_subnet(ops, subnets, features, "box", ANCHORS_PER_LOCATION * 4, 0.0),
    )


def _subnet(ops: Ops[T], subnets: Subnets, features: dict[int, T], name: str, width: int, bias: float) -> dict[int, T]:
    """Convolutions shared over the levels, with separate batch normalisation for each level."""

    def conv(x: T, width: int, name: str, bias: float) -> T:
        if subnets.is_separable:
            return separable(ops, x, width, name, bias=bias)
        return ops.conv(x, width, f"{name}/conv", kernel=3, bias=bias)

    outputs = {}
    for level, x in features.items():
        for layer in range(1, subnets.layers + 1):
            x = conv(x, subnets.width, f"{name}/layer{layer}", 0.0)
            x = ops.activate(ops.batch_norm(x, f"{name}/layer{layer}/bn{level}"), subnets.activation)
        outputs[level] = conv(x, width, f"{name}/predict", bias)
    return dict(sorted(outputs.items()))
