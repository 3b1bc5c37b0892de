"""Eff-SpineNet with RetinaNet, written once over `Ops` (sections 3.1, 3.2 and 4.1).

Every reading (cost, parameters, quadratic form, TensorFlow graphs) runs these functions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from search_space.architecture import ANCHORS_PER_LOCATION, EXPANSION, KERNEL, Architecture
from search_space.ops import squeezed_width
from search_space.topology import (
    BLOCKS,
    DANGLING_INTO,
    MAX_ENDPOINT_LEVEL,
    MIN_ENDPOINT_LEVEL,
    NUM_BLOCKS,
    STEM_LEVEL,
    Block,
)

if TYPE_CHECKING:
    from search_space.ops import Ops

T = TypeVar("T")

LEVELS = tuple(range(MIN_ENDPOINT_LEVEL, MAX_ENDPOINT_LEVEL + 1))
CLASS_PRIOR_BIAS = math.log(0.01 / 0.99)
"""Every anchor starts at a probability of 1 %, as focal loss wants it."""


@dataclass(frozen=True)
class RetinaNetOutputs(Generic[T]):
    """Raw predictions by level 3 to 7: class logits `[batch, h, w, 9 * classes]`, boxes `[batch, h, w, 9 * 4]`."""

    class_logits: dict[int, T]
    boxes: dict[int, T]


@dataclass(frozen=True)
class Feature(Generic[T]):
    """A feature map with its level and number of channels."""

    tensor: T
    level: int
    width: int


def retinanet(ops: Ops[T], architecture: Architecture, images: T) -> RetinaNetOutputs[T]:
    """RetinaNet over the scale-permuted backbone, for images `[batch, height, width, 3]`."""
    features = {
        level: _conv_bn_swish(ops, feature.tensor, architecture.subnet_width, f"endpoint{level}")
        for level, feature in backbone(ops, architecture, images).items()
    }
    class_width = ANCHORS_PER_LOCATION * architecture.class_slots
    return RetinaNetOutputs(
        class_logits=_subnet(ops, architecture, features, "class", class_width, CLASS_PRIOR_BIAS),
        boxes=_subnet(ops, architecture, features, "box", ANCHORS_PER_LOCATION * 4, 0.0),
    )


def backbone(ops: Ops[T], architecture: Architecture, images: T) -> dict[int, Feature[T]]:
    """The endpoint features P3 to P7 of the scale-permuted backbone, by level."""
    height, width = ops.size(images)
    stem = _conv_bn_swish(ops, images, architecture.stem_width, "stem", kernel=3, stride=2)
    features = {0: Feature(stem, STEM_LEVEL, architecture.stem_width)}
    for block in BLOCKS:
        size = (-(-height // 2**block.level), -(-width // 2**block.level))
        features[block.number] = _block(ops, architecture, block, features, size)
    return {block.level: features[block.number] for block in BLOCKS if block.is_endpoint}


def _block(
    ops: Ops[T],
    architecture: Architecture,
    block: Block,
    features: dict[int, Feature[T]],
    size: tuple[int, int],
) -> Feature[T]:
    name = f"block{block.number}"
    width = architecture.widths[block.number - 1]
    if len(block.parents) == 1:
        source = features[block.parents[0]]
        x, input_width, stride = source.tensor, source.width, 2 ** (block.level - source.level)
    else:
        parents = [_resample(ops, features[p], block.level, width, size, f"{name}/from{p}") for p in block.parents]
        x = ops.fuse(parents, f"{name}/fusion")
        for number in DANGLING_INTO.get(block.number, ()):
            x = ops.add(x, ops.match_width(features[number].tensor, width, f"{name}/from{number}"))
        x, input_width, stride = ops.activate(x, "swish"), width, 1
    depth = block.number / NUM_BLOCKS
    x = _mbconv(ops, x, input_width, width, stride, f"{name}/mbconv1", depth)
    for repeat in range(1, architecture.repeats[block.number - 1]):
        x = _mbconv(ops, x, width, width, 1, f"{name}/mbconv{repeat + 1}", depth)
    return Feature(x, block.level, width)


def _mbconv(ops: Ops[T], x: T, input_width: int, width: int, stride: int, name: str, depth: float) -> T:
    """Mobile inverted bottleneck with squeeze-and-excitation; residual where the shapes agree."""
    branch = _conv_bn_swish(ops, x, EXPANSION * input_width, f"{name}/expand")
    branch = ops.depthwise(branch, f"{name}/depthwise", kernel=KERNEL, stride=stride)
    branch = ops.activate(ops.batch_norm(branch, f"{name}/depthwise_bn"), "swish")
    gate = ops.conv(ops.global_pool(branch), squeezed_width(input_width), f"{name}/squeeze", bias=0.0)
    gate = ops.conv(ops.activate(gate, "swish"), EXPANSION * input_width, f"{name}/excite", bias=0.0)
    branch = ops.scale(branch, ops.activate(gate, "sigmoid"))
    # A residual branch starts at nothing, so that the untrained network is shallow and learns from the first step.
    # This looks at widths, but sets an initial value only: the structure is the same for all.
    is_residual = stride == 1 and input_width == width
    branch = ops.conv(branch, width, f"{name}/project")
    branch = ops.batch_norm(branch, f"{name}/project_bn", initial_scale=0.0 if is_residual else 1.0)
    if stride != 1:
        return branch
    return ops.add_if_same_width(x, ops.drop_path(branch, depth))


def _resample(ops: Ops[T], parent: Feature[T], level: int, width: int, size: tuple[int, int], name: str) -> T:
    """A parent's feature at another level and width (section 3.2, Figure 2)."""
    x, gap = parent.tensor, level - parent.level
    if gap > 0:
        x = ops.activate(ops.batch_norm(ops.space_to_depth(x), f"{name}/space_to_depth_bn"), "swish")
        if gap > 1:
            kernel, stride = {2: (3, 2), 3: (5, 4)}[gap]
            x = ops.depthwise(x, f"{name}/depthwise", kernel=kernel, stride=stride)
            x = ops.activate(ops.batch_norm(x, f"{name}/depthwise_bn"), "swish")
    elif gap < 0:
        x = ops.upsample(x, 2**-gap, size)
    return ops.batch_norm(ops.conv(x, width, f"{name}/conv"), f"{name}/bn")


def _subnet(
    ops: Ops[T], architecture: Architecture, features: dict[int, T], name: str, width: int, bias: float
) -> dict[int, T]:
    """Separable convolutions shared over the levels, with batch normalisation of each level's own."""
    outputs = {}
    for level, x in features.items():
        for layer in range(1, architecture.subnet_layers + 1):
            x = _separable(ops, x, architecture.subnet_width, f"{name}/layer{layer}", 0.0)
            x = ops.activate(ops.batch_norm(x, f"{name}/layer{layer}/bn{level}"), "swish")
        outputs[level] = _separable(ops, x, width, f"{name}/predict", bias)
    return dict(sorted(outputs.items()))


def _separable(ops: Ops[T], x: T, width: int, name: str, bias: float) -> T:
    return ops.conv(ops.depthwise(x, f"{name}/depthwise", kernel=3), width, f"{name}/pointwise", bias=bias)


def _conv_bn_swish(ops: Ops[T], x: T, width: int, name: str, *, kernel: int = 1, stride: int = 1) -> T:
    x = ops.conv(x, width, f"{name}/conv", kernel=kernel, stride=stride)
    return ops.activate(ops.batch_norm(x, f"{name}/bn"), "swish")
