"""Layers that all networks are composed of: convolution with normalisation, separable convolution, MBConv."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from search_space.ops import Activation, Ops

T = TypeVar("T")


@dataclass(frozen=True)
class Feature(Generic[T]):
    """A feature map with its level (1 / 2^level of the image's height and width) and number of channels."""

    tensor: T
    level: int
    width: int


def size_at_level(size: tuple[int, int], level: int) -> tuple[int, int]:
    """Height and width of the feature map of a level, rounded up, for an image of `size`."""
    return -(-size[0] // 2**level), -(-size[1] // 2**level)


def conv_bn(
    ops: Ops[T], x: T, width: int, name: str, *, activation: Activation | None, kernel: int = 1, stride: int = 1
) -> T:
    """Convolution without a bias, batch normalisation, and the activation unless it is None."""
    x = ops.conv(x, width, f"{name}/conv", kernel=kernel, stride=stride)
    x = ops.batch_norm(x, f"{name}/bn")
    return x if activation is None else ops.activate(x, activation)


def separable(ops: Ops[T], x: T, width: int, name: str, *, bias: float = 0.0, kernel: int = 3, stride: int = 1) -> T:
    """Depthwise convolution, then 1x1 convolution with a bias initialised to `bias`."""
    x = ops.depthwise(x, f"{name}/depthwise", kernel=kernel, stride=stride)
    return ops.conv(x, width, f"{name}/pointwise", bias=bias)


def mbconv(
    ops: Ops[T],
    x: T,
    input_width: int,
    width: int,
    name: str,
    *,
    activation: Activation,
    squeezed_width: int | None,
    drop_depth: float | None,
    expansion: int,
    kernel: int,
    stride: int = 1,
    keeps_width: bool = False,
) -> T:
    """Mobile inverted bottleneck: expand, depthwise, squeeze-and-excitation, project; residual where shapes agree.

    Squeeze-and-excitation is left out if `squeezed_width` is None, stochastic depth if `drop_depth` is None or there is
    no residual, and the first convolution if `expansion` is 1. `drop_depth` is the block's relative depth, 0 to 1. With
    `keeps_width`, input and output width are equal in every architecture, so that the residual is unconditional.
    """
    expanded_width = expansion * input_width
    branch = x
    if expansion != 1:
        branch = conv_bn(ops, branch, expanded_width, f"{name}/expand", activation=activation)
    branch = ops.depthwise(branch, f"{name}/depthwise", kernel=kernel, stride=stride)
    branch = ops.activate(ops.batch_norm(branch, f"{name}/depthwise_bn"), activation)
    if squeezed_width is not None:
        gate = ops.conv(ops.global_pool(branch), squeezed_width, f"{name}/squeeze", bias=0.0)
        gate = ops.conv(ops.activate(gate, activation), expanded_width, f"{name}/excite", bias=0.0)
        branch = ops.scale(branch, ops.activate(gate, "sigmoid"))
    # Residual branches are initially zero, so that the untrained network is shallow and learns from the first step.
    # This depends on widths, but it sets an initial value only: the structure is the same for all.
    is_residual = stride == 1 and input_width == width
    branch = ops.conv(branch, width, f"{name}/project")
    branch = ops.batch_norm(branch, f"{name}/project_bn", initial_scale=0.0 if is_residual else 1.0)
    if stride != 1:
        return branch
    if not keeps_width:
        return ops.add_if_same_width(x, branch, drop_depth)
    return ops.add(x, branch if drop_depth is None else ops.drop_path(branch, drop_depth))
