"""Training targets: NumPy matches anchors with boxes beforehand, and the graph computes targets from the matches."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from proxy_trainer.engine.boxes import encode
from search_space.detector import POSITIVE_IOU

BACKGROUND = -1

FloatArray = npt.NDArray[np.float32]
Matches = npt.NDArray[np.int16]
"""The index of the box of each anchor among the boxes of its image `[batch, anchors]`, or -1 for background."""


class Targets(NamedTuple):
    """Targets of a batch: `classes` `[batch, anchors]` (-1 background), `codes` `[batch, anchors, 4]`."""

    classes: tf.Tensor
    codes: tf.Tensor


def match_anchors(anchors: FloatArray, boxes: FloatArray, classes: npt.NDArray[np.int32]) -> Matches:
    """The matches of anchors `[anchors, 4]` with boxes `[batch, boxes, 4]` of classes `[batch, boxes]`, -1 as padding.

    An anchor is matched with the box of highest IoU if that is at least 0.5. Every box is also matched with its anchor
    of highest IoU, so that each object has an anchor; of two boxes with the same best anchor, the first gets it. All
    other anchors are background.
    """
    matches = np.full((len(boxes), len(anchors)), BACKGROUND, np.int16)
    for row, (image_boxes, image_classes) in enumerate(zip(boxes, classes, strict=True)):
        indices = np.flatnonzero(image_classes >= 0)
        if len(indices):
            _match_image(anchors, image_boxes[indices], indices, matches[row])
    return matches


def _match_image(anchors: FloatArray, boxes: FloatArray, indices: npt.NDArray[np.intp], matches: Matches) -> None:
    """Writes the matches of one image, whose boxes have these indices, into `matches` `[anchors]`."""
    iou = box_iou(boxes, anchors)
    best_box = np.argmax(iou, axis=0)
    positive = np.take_along_axis(iou, best_box[None], axis=0)[0] >= POSITIVE_IOU
    matches[positive] = indices[best_box[positive]]
    best_anchor = np.argmax(iou, axis=1)
    for box in reversed(range(len(boxes))):
        if iou[box, best_anchor[box]] > 0:
            matches[best_anchor[box]] = indices[box]


def box_iou(boxes: FloatArray, anchors: FloatArray) -> FloatArray:
    """Intersection over union `[boxes, anchors]` of boxes and anchors that have an area."""
    b, a = boxes[:, None, :], anchors[None, :, :]
    height = np.minimum(b[..., 2], a[..., 2]) - np.maximum(b[..., 0], a[..., 0])
    width = np.minimum(b[..., 3], a[..., 3]) - np.maximum(b[..., 1], a[..., 1])
    intersection = np.maximum(height, 0) * np.maximum(width, 0)
    areas = [(x[..., 2] - x[..., 0]) * (x[..., 3] - x[..., 1]) for x in (b, a)]
    overlap: FloatArray = intersection / (areas[0] + areas[1] - intersection)
    return overlap


def targets_of(anchors: tf.Tensor, boxes: tf.Tensor, classes: tf.Tensor, matches: tf.Tensor) -> Targets:
    """The targets of boxes `[batch, boxes, 4]` with classes `[batch, boxes]` and the matches of `match_anchors`."""
    indices = tf.cast(matches, tf.int32)
    matched = tf.maximum(indices, 0)
    target_classes = tf.where(indices >= 0, tf.gather(classes, matched, batch_dims=1), BACKGROUND)
    return Targets(target_classes, encode(tf.gather(boxes, matched, batch_dims=1), anchors))
