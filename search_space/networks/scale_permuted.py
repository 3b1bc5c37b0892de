"""The scale-permuted backbone of Eff-SpineNet and SP-EfficientNet (sections 3.1 and 3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from search_space.architecture import EXPANSION, KERNEL, Architecture
from search_space.networks.layers import Feature, conv_bn, mbconv, size_at_level
from search_space.topology import BLOCKS, DANGLING_INTO, NUM_BLOCKS, STEM_LEVEL, Block

if TYPE_CHECKING:
    from search_space.ops import Ops

T = TypeVar("T")

STRIDED_KERNELS = {2: 3, 4: 5}
"""Kernel size, by stride, of the depthwise convolution that downsamples further after space-to-depth."""


def pyramid(ops: Ops[T], architecture: Architecture, images: T) -> dict[int, T]:
    """Features P3 to P7 of `subnet_width` channels, by level, for images `[batch, height, width, 3]`."""
    return {
        level: conv_bn(
            ops,
            feature.tensor,
            architecture.subnet_width,
            f"endpoint{level}",
            activation=architecture.operations.activation,
        )
        for level, feature in backbone(ops, architecture, images).items()
    }


def backbone(ops: Ops[T], architecture: Architecture, images: T) -> dict[int, Feature[T]]:
    """The endpoint features P3 to P7 of the scale-permuted backbone, by level."""
    activation = architecture.operations.activation
    stem = conv_bn(ops, images, architecture.stem_width, "stem", kernel=3, stride=2, activation=activation)
    features = {0: Feature(stem, STEM_LEVEL, architecture.stem_width)}
    for block in BLOCKS:
        features[block.number] = _block(
            ops, architecture, block, features, size_at_level(ops.size(images), block.level)
        )
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
    keeps_width = len(block.parents) == 2
    if not keeps_width:
        source = features[block.parents[0]]
        x, input_width, stride = source.tensor, source.width, 2 ** (block.level - source.level)
    else:
        x, input_width, stride = _fused(ops, architecture, block, features, size), width, 1
    for repeat in range(architecture.repeats[block.number - 1]):
        x = _mbconv(ops, architecture, x, input_width, width, stride, f"{name}/mbconv{repeat + 1}", block, keeps_width)
        input_width, stride, keeps_width = width, 1, True
    return Feature(x, block.level, width)


def _fused(
    ops: Ops[T],
    architecture: Architecture,
    block: Block,
    features: dict[int, Feature[T]],
    size: tuple[int, int],
) -> T:
    """Both parents resampled to this block's level and width, fused, plus dangling blocks, and activated."""
    name, operations = f"block{block.number}", architecture.operations
    width = architecture.widths[block.number - 1]
    first, second = (
        _resample(ops, architecture, features[parent], block.level, width, size, f"{name}/from{parent}")
        for parent in block.parents
    )
    x = ops.fuse([first, second], f"{name}/fusion") if operations.weighted_fusion else ops.add(first, second)
    for number in DANGLING_INTO.get(block.number, ()):
        x = ops.add(x, ops.match_width(features[number].tensor, width, f"{name}/from{number}"))
    return ops.activate(x, operations.activation)


def _mbconv(
    ops: Ops[T],
    architecture: Architecture,
    x: T,
    input_width: int,
    width: int,
    stride: int,
    name: str,
    block: Block,
    keeps_width: bool,
) -> T:
    operations = architecture.operations
    return mbconv(
        ops,
        x,
        input_width,
        width,
        name,
        activation=operations.activation,
        squeezed_width=squeezed_width(input_width) if operations.squeeze_excitation else None,
        drop_depth=block.number / NUM_BLOCKS if operations.stochastic_depth else None,
        expansion=EXPANSION,
        kernel=KERNEL,
        stride=stride,
        keeps_width=keeps_width,
    )


def squeezed_width(width: int) -> int:
    """The inner channels of squeeze-and-excitation for a block of input width `width`: a fifth, at least one."""
    return max(1, width // 5)


def _resample(
    ops: Ops[T],
    architecture: Architecture,
    parent: Feature[T],
    level: int,
    width: int,
    size: tuple[int, int],
    name: str,
) -> T:
    """A parent's feature at another level and width (section 3.2, Figure 2)."""
    x, gap, activation = parent.tensor, level - parent.level, architecture.operations.activation
    if gap > 0 and architecture.operations.space_to_depth:
        x = ops.activate(ops.batch_norm(ops.space_to_depth(x), f"{name}/space_to_depth_bn"), activation)
        if gap > 1:
            stride = 2 ** (gap - 1)
            x = ops.depthwise(x, f"{name}/depthwise", kernel=STRIDED_KERNELS[stride], stride=stride)
            x = ops.activate(ops.batch_norm(x, f"{name}/depthwise_bn"), activation)
    elif gap > 0:
        for step in range(1, gap + 1):
            x = ops.depthwise(x, f"{name}/depthwise{step}", kernel=3, stride=2)
            x = ops.activate(ops.batch_norm(x, f"{name}/depthwise{step}_bn"), activation)
    elif gap < 0:
        x = ops.upsample(x, 2**-gap, size)
    return conv_bn(ops, x, width, name, activation=None)
