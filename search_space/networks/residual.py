"""The paper's larger comparators, with residual and bottleneck blocks: ResNet-50-FPN and SpineNet-49 (Table 3).

K. He et al., "Deep Residual Learning for Image Recognition", CVPR 2016. X. Du et al., "SpineNet: Learning
Scale-Permuted Backbone for Recognition and Localization", CVPR 2020.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from search_space.networks.feature_pyramid import feature_pyramid
from search_space.networks.layers import Feature, conv_bn, size_at_level
from search_space.networks.retinanet import RetinaNetOutputs, Subnets, retinanet_subnets
from search_space.topology import BLOCKS, DANGLING_INTO, NUM_BLOCKS

if TYPE_CHECKING:
    from search_space.ops import Activation, Ops

T = TypeVar("T")

ACTIVATION: Activation = "swish"
"""In Table 3 both models are trained with swish (Table 4)."""

STEM_WIDTH = 64
BOTTLENECK_EXPANSION = 4
RESNET_50 = {2: 3, 3: 4, 4: 6, 5: 3}
"""Number of bottleneck blocks of ResNet-50 by level; the inner width of level l is 16 * 2^l."""

SPINENET_WIDTHS = {2: 64, 3: 128, 4: 256, 5: 256, 6: 256, 7: 256}
"""Inner width of SpineNet's blocks, by level."""

RESIDUAL_BLOCKS = frozenset({5, 8, 10, 11})
"""The blocks of SpineNet-49 with two 3x3 convolutions; all others are bottlenecks."""

RESAMPLE_SHARE = 0.5
"""Width of SpineNet-49's resampling as a fraction of the parent's inner width (alpha in that paper)."""

PYRAMID_SUBNETS = Subnets(width=256, layers=4, is_separable=False)
"""The subnets of the original RetinaNet, with batch normalisation."""


def resnet_retinanet(
    ops: Ops[T], images: T, subnets: Subnets = PYRAMID_SUBNETS, multiplier: float = 1.0
) -> RetinaNetOutputs[T]:
    """RetinaNet on ResNet-50-FPN, with every backbone width times `multiplier`."""
    width = _scaled(STEM_WIDTH, multiplier)
    x = _stem(ops, images, width)
    features: dict[int, Feature[T]] = {}
    for level, repeats in RESNET_50.items():
        inner = _scaled(16 * 2**level, multiplier)
        for repeat in range(1, repeats + 1):
            stride = 2 if repeat == 1 and level > min(RESNET_50) else 1
            x = _bottleneck(ops, x, width, inner, f"stage{level}/block{repeat}", stride=stride, depth=level / 5)
            width = BOTTLENECK_EXPANSION * inner
        features[level] = Feature(x, level, width)
    levels = {level: features[level] for level in (3, 4, 5)}
    pyramid = feature_pyramid(ops, levels, subnets.width, is_separable=False, activation=ACTIVATION)
    return retinanet_subnets(ops, subnets, pyramid)


def spinenet_retinanet(
    ops: Ops[T], images: T, subnets: Subnets = PYRAMID_SUBNETS, multiplier: float = 1.0
) -> RetinaNetOutputs[T]:
    """RetinaNet on SpineNet-49, whose topology is that of the scale-permuted backbone without block 1.

    Every backbone width is multiplied by `multiplier`.
    """
    width = _scaled(STEM_WIDTH, multiplier)
    x = _stem(ops, images, width)
    widths = {level: _scaled(inner, multiplier) for level, inner in SPINENET_WIDTHS.items()}
    features: dict[int, Feature[T]] = {}
    for block in BLOCKS[1:]:
        name, depth = f"block{block.number}", block.number / NUM_BLOCKS
        inner, out = widths[block.level], _out_width(block.number, widths)
        if len(block.parents) == 2:
            size = size_at_level(ops.size(images), block.level)
            first, second = (
                _resample(ops, features[p], widths, block.level, out, size, f"{name}/from{p}") for p in block.parents
            )
            x = ops.add(first, second)
            for number in DANGLING_INTO.get(block.number, ()):
                x = ops.add(x, features[number].tensor)
            x, width = ops.activate(x, ACTIVATION), out
        make = _residual if block.number in RESIDUAL_BLOCKS else _bottleneck
        x, width = make(ops, x, width, inner, name, stride=1, depth=depth), out
        features[block.number] = Feature(x, block.level, out)
    pyramid = {
        block.level: conv_bn(
            ops, features[block.number].tensor, subnets.width, f"endpoint{block.level}", activation=ACTIVATION
        )
        for block in BLOCKS
        if block.is_endpoint
    }
    return retinanet_subnets(ops, subnets, pyramid)


def _scaled(width: int, multiplier: float) -> int:
    return max(1, round(width * multiplier))


def _out_width(number: int, widths: dict[int, int]) -> int:
    """Output channels of a block of SpineNet-49, given the inner widths by level."""
    inner = widths[BLOCKS[number - 1].level]
    return inner if number in RESIDUAL_BLOCKS else BOTTLENECK_EXPANSION * inner


def _stem(ops: Ops[T], images: T, width: int) -> T:
    """7x7 convolution and 3x3 max pooling, each with stride 2: level 2."""
    x = conv_bn(ops, images, width, "stem", kernel=7, stride=2, activation=ACTIVATION)
    return ops.max_pool(x, kernel=3, stride=2)


def _bottleneck(ops: Ops[T], x: T, input_width: int, inner: int, name: str, *, stride: int, depth: float) -> T:
    """1x1, 3x3, and 1x1 convolution to four times the inner width; the shortcut is projected where shapes differ."""
    branch = conv_bn(ops, x, inner, f"{name}/reduce", activation=ACTIVATION)
    branch = conv_bn(ops, branch, inner, f"{name}/middle", kernel=3, stride=stride, activation=ACTIVATION)
    return _end_of_block(ops, x, branch, input_width, BOTTLENECK_EXPANSION * inner, 1, name, stride, depth)


def _residual(ops: Ops[T], x: T, input_width: int, inner: int, name: str, *, stride: int, depth: float) -> T:
    """Two 3x3 convolutions of the inner width."""
    branch = conv_bn(ops, x, inner, f"{name}/first", kernel=3, stride=stride, activation=ACTIVATION)
    return _end_of_block(ops, x, branch, input_width, inner, 3, name, stride, depth)


def _end_of_block(
    ops: Ops[T], x: T, branch: T, input_width: int, width: int, kernel: int, name: str, stride: int, depth: float
) -> T:
    """The last convolution of a block, the sum with the shortcut, and the activation."""
    branch = ops.conv(branch, width, f"{name}/last/conv", kernel=kernel)
    branch = ops.batch_norm(branch, f"{name}/last/bn", initial_scale=0.0)
    if stride != 1 or input_width != width:
        x = conv_bn(ops, x, width, f"{name}/shortcut", stride=stride, activation=None)
    return ops.activate(ops.add(x, ops.drop_path(branch, depth)), ACTIVATION)


def _resample(
    ops: Ops[T],
    parent: Feature[T],
    widths: dict[int, int],
    level: int,
    width: int,
    size: tuple[int, int],
    name: str,
) -> T:
    """SpineNet's resampling: 1x1 to a fraction of the inner width, down- or upsampling, 1x1 to the target width."""
    inner = max(1, int(RESAMPLE_SHARE * widths[parent.level]))
    gap = level - parent.level
    x = conv_bn(ops, parent.tensor, inner, f"{name}/reduce", activation=ACTIVATION)
    if gap > 0:
        x = conv_bn(ops, x, inner, f"{name}/down", kernel=3, stride=2, activation=ACTIVATION)
        if gap > 1:
            x = ops.max_pool(x, kernel=3 if gap == 2 else 5, stride=2 ** (gap - 1))
    elif gap < 0:
        x = ops.upsample(x, 2**-gap, size)
    return conv_bn(ops, x, width, name, activation=None)
