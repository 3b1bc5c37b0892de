"""Heads on the averaged pyramid: image classification (section 4.2) and semantic segmentation (section 4.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from search_space.networks.layers import separable
from search_space.networks.scale_permuted import pyramid
from search_space.topology import MIN_ENDPOINT_LEVEL

if TYPE_CHECKING:
    from search_space.architecture import Architecture
    from search_space.ops import Ops

T = TypeVar("T")

IMAGENET_CLASSES = 1000
PASCAL_VOC_CLASSES = 21


def classification(ops: Ops[T], architecture: Architecture, images: T, classes: int = IMAGENET_CLASSES) -> T:
    """Logits `[batch, 1, 1, classes]`: the averaged pyramid, pooled over all positions, and a linear classifier."""
    return ops.conv(ops.global_pool(_averaged(ops, architecture, images)), classes, "classifier", bias=0.0)


def segmentation(ops: Ops[T], architecture: Architecture, images: T, classes: int = PASCAL_VOC_CLASSES) -> T:
    """Logits `[batch, height / 8, width / 8, classes]`: separable convolutions as in the detection subnets, 1x1."""
    x = _averaged(ops, architecture, images)
    for layer in range(1, architecture.subnet_layers + 1):
        x = separable(ops, x, architecture.subnet_width, f"segment/layer{layer}")
        x = ops.activate(ops.batch_norm(x, f"segment/layer{layer}/bn"), architecture.operations.activation)
    return ops.conv(x, classes, "segment/predict", bias=0.0)


def _averaged(ops: Ops[T], architecture: Architecture, images: T) -> T:
    """The mean of P3 to P7, each upsampled to the size of P3 by nearest neighbours."""
    features = pyramid(ops, architecture, images)
    finest = ops.size(features[MIN_ENDPOINT_LEVEL])
    return ops.average(
        [
            x if level == MIN_ENDPOINT_LEVEL else ops.upsample(x, 2 ** (level - MIN_ENDPOINT_LEVEL), finest)
            for level, x in sorted(features.items())
        ]
    )
