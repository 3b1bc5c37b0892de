"""A detector of three layers, for tests of what the engine does with any network."""

from __future__ import annotations

from typing import TypeVar

from search_space.architecture import ANCHORS_PER_LOCATION, Architecture
from search_space.networks.layers import conv_bn, size_at_level
from search_space.networks.retinanet import CLASS_PRIOR_BIAS, LEVELS, RetinaNetOutputs
from search_space.ops import Ops

T = TypeVar("T")


def small_network(ops: Ops[T], architecture: Architecture, images: T) -> RetinaNetOutputs[T]:
    """A strided convolution as wide as block 1, and on each level's pooled map 1x1 convolutions for both outputs.

    They have every kind of parameter but depthwise kernels and fusion weights, and stochastic depth draws in between.
    """
    x = conv_bn(ops, images, architecture.widths[0], "stem", kernel=3, stride=2, activation="swish")
    x = ops.add(x, ops.drop_path(ops.scale(x, ops.activate(ops.global_pool(x), "sigmoid")), 0.5))
    logits, boxes = {}, {}
    for level in LEVELS:
        x = ops.max_pool(x, kernel=3, stride=4 if level == LEVELS[0] else 2)
        assert ops.size(x) == size_at_level(ops.size(images), level)
        width = ANCHORS_PER_LOCATION * architecture.class_slots
        logits[level] = ops.conv(x, width, "class/predict/conv", bias=CLASS_PRIOR_BIAS)
        boxes[level] = ops.conv(x, ANCHORS_PER_LOCATION * 4, "box/predict/conv", bias=0.0)
    return RetinaNetOutputs(logits, boxes)
