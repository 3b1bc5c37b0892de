"""The feature pyramid network for scale-decreased backbones: P3 to P7 from C3 to C5."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from search_space.networks.layers import Feature, separable

if TYPE_CHECKING:
    from search_space.ops import Activation, Ops

T = TypeVar("T")

COARSER_LEVELS = (6, 7)


def feature_pyramid(
    ops: Ops[T], features: dict[int, Feature[T]], width: int, *, is_separable: bool, activation: Activation
) -> dict[int, T]:
    """Features P3 to P7 of `width` channels, by level: lateral 1x1, top-down sums, 3x3 on each, stride 2 from P5 on.

    Every output is batch-normalised; P7 is computed from the activated P6.
    """

    def conv(x: T, name: str, stride: int = 1) -> T:
        if is_separable:
            return separable(ops, x, width, name, stride=stride)
        return ops.conv(x, width, f"{name}/conv", kernel=3, stride=stride, bias=0.0)

    merged: dict[int, T] = {}
    for level in sorted(features, reverse=True):
        lateral = ops.conv(features[level].tensor, width, f"fpn/lateral{level}", bias=0.0)
        coarser = merged.get(level + 1)
        merged[level] = lateral if coarser is None else ops.add(ops.upsample(coarser, 2, ops.size(lateral)), lateral)
    outputs = {level: conv(x, f"fpn/post{level}") for level, x in sorted(merged.items())}
    for level in COARSER_LEVELS:
        x = outputs[level - 1]
        x = x if level == COARSER_LEVELS[0] else ops.activate(x, activation)
        outputs[level] = conv(x, f"fpn/coarser{level}", stride=2)
    return {level: ops.batch_norm(x, f"fpn/bn{level}") for level, x in outputs.items()}
