"""A detector with few operations, for tests of the engine that do not depend on the network."""

from __future__ import annotations

from typing import TypeVar

from search_space.architecture import ANCHORS_PER_LOCATION, Architecture
from search_space.networks.layers import conv_bn, mbconv
from search_space.networks.retinanet import CLASS_PRIOR_BIAS, LEVELS, RetinaNetOutputs
from search_space.ops import Ops

T = TypeVar("T")


def small_network(ops: Ops[T], architecture: Architecture, images: T) -> RetinaNetOutputs[T]:
    """A convolution per level, with the widths of the first blocks, and a residual block with stochastic depth."""
    activation = architecture.operations.activation
    features: dict[int, T] = {}
    x, stride = images, 2 ** LEVELS[0]
    for level, width in zip(LEVELS, architecture.widths, strict=False):
        x, stride = conv_bn(ops, x, width, f"level{level}", kernel=3, stride=stride, activation=activation), 2
        features[level] = x
    features[LEVELS[0]] = mbconv(
        ops,
        features[LEVELS[0]],
        architecture.widths[0],
        architecture.widths[0],
        "block",
        activation=activation,
        squeezed_width=4,
        drop_depth=1.0,
        expansion=2,
        kernel=3,
        keeps_width=True,
    )
    class_width = ANCHORS_PER_LOCATION * architecture.class_slots
    return RetinaNetOutputs(
        class_logits={
            level: ops.conv(each, class_width, f"class{level}", bias=CLASS_PRIOR_BIAS)
            for level, each in features.items()
        },
        boxes={
            level: ops.conv(each, ANCHORS_PER_LOCATION * 4, f"box{level}", bias=0.0) for level, each in features.items()
        },
    )
