"""Mask R-CNN on the scale-permuted backbone: region proposals, box head and mask head (section 4.1, Table 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from search_space.networks.layers import separable
from search_space.networks.scale_permuted import pyramid

if TYPE_CHECKING:
    from search_space.architecture import Architecture
    from search_space.ops import RegionOps

T = TypeVar("T")

RPN_ANCHORS_PER_LOCATION = 3
BOX_CROP = 7
MASK_CROP = 14


@dataclass(frozen=True)
class Regions:
    """The number of regions per image in each stage, and the width of the box head's fully connected layer.

    The paper scales that layer with the model: 256 for D0 and D1, 512 for D2.
    """

    dense_width: int = 256
    proposals: int = 1000
    detections: int = 100


class MaskRcnnOutputs(NamedTuple, Generic[T]):
    """Raw predictions of the three stages.

    By level 3 to 7, for three anchors per location: `objectness` `[batch, h, w, 3]` and `anchor_codes` `[batch, h, w,
    3 * 4]`. For the boxes `proposals` `[batch, proposals, 4]`: `class_logits` `[batch * proposals, 1, 1, classes]` and
    `box_codes` `[batch * proposals, 1, 1, classes * 4]`. For the `detections` `[batch, detections, 6]`: `mask_logits`
    `[batch * detections, 28, 28, classes]`. Boxes are (y1, x1, y2, x2) in pixels; a detection is a box, its score and
    its class.
    """

    objectness: dict[int, T]
    anchor_codes: dict[int, T]
    proposals: T
    class_logits: T
    box_codes: T
    detections: T
    mask_logits: T


def mask_rcnn(
    ops: RegionOps[T], architecture: Architecture, images: T, regions: Regions | None = None
) -> MaskRcnnOutputs[T]:
    """Mask R-CNN for images `[batch, height, width, 3]`; its subnets scale like those of RetinaNet (Table 2)."""
    regions = regions or Regions()
    features, image_size = pyramid(ops, architecture, images), ops.size(images)
    objectness, anchor_codes = _region_proposal_network(ops, architecture, features)
    proposals = ops.propose(objectness, anchor_codes, image_size, regions.proposals)
    crops = ops.roi_align(features, proposals, BOX_CROP)
    class_logits, box_codes = _box_head(ops, architecture, crops, regions.dense_width)
    detections = ops.detect(proposals, class_logits, box_codes, image_size, regions.detections)
    crops = ops.roi_align(features, detections, MASK_CROP)
    mask_logits = _mask_head(ops, architecture, crops)
    return MaskRcnnOutputs(objectness, anchor_codes, proposals, class_logits, box_codes, detections, mask_logits)


def _region_proposal_network(
    ops: RegionOps[T], architecture: Architecture, features: dict[int, T]
) -> tuple[dict[int, T], dict[int, T]]:
    """Objectness and box codes of the anchors, by level; one convolution shared over the levels, then 1x1."""
    objectness, codes = {}, {}
    for level, x in sorted(features.items()):
        x = separable(ops, x, architecture.subnet_width, "rpn/layer1")
        x = ops.activate(ops.batch_norm(x, f"rpn/layer1/bn{level}"), architecture.operations.activation)
        objectness[level] = separable(ops, x, RPN_ANCHORS_PER_LOCATION, "rpn/objectness/predict", kernel=1)
        codes[level] = separable(ops, x, 4 * RPN_ANCHORS_PER_LOCATION, "rpn/box/predict", kernel=1)
    return objectness, codes


def _box_head(ops: RegionOps[T], architecture: Architecture, crops: T, dense_width: int) -> tuple[T, T]:
    """Class logits and box codes of each class for crops `[regions, 7, 7, channels]`."""
    activation, classes = architecture.operations.activation, architecture.class_slots
    x = _subnet(ops, architecture, crops, "box_head")
    x = ops.activate(ops.batch_norm(ops.dense(x, dense_width, "box_head/dense"), "box_head/dense_bn"), activation)
    return (
        ops.conv(x, classes, "box_head/class/predict", bias=0.0),
        ops.conv(x, 4 * classes, "box_head/box/predict", bias=0.0),
    )


def _mask_head(ops: RegionOps[T], architecture: Architecture, crops: T) -> T:
    """Mask logits of each class for crops `[regions, 14, 14, channels]`, at twice their size."""
    x = _subnet(ops, architecture, crops, "mask_head")
    x = ops.conv_transpose(x, architecture.subnet_width, "mask_head/upsample", bias=0.0)
    x = ops.activate(ops.batch_norm(x, "mask_head/upsample_bn"), architecture.operations.activation)
    return separable(ops, x, architecture.class_slots, "mask_head/predict", kernel=1)


def _subnet(ops: RegionOps[T], architecture: Architecture, x: T, name: str) -> T:
    """Separable convolutions on crops of regions, with the number and width of the subnets (Table 2)."""
    for layer in range(1, architecture.subnet_layers + 1):
        x = separable(ops, x, architecture.subnet_width, f"{name}/layer{layer}")
        x = ops.activate(ops.batch_norm(x, f"{name}/layer{layer}/bn"), architecture.operations.activation)
    return x
