"""What each anchor should predict: matched with a box beforehand, in NumPy, and made a target in the graph."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from proxy_trainer.engine.boxes import encode

POSITIVE_IOU = 0.5
BACKGROUND = -1

FloatArray = npt.NDArray[np.float32]
Matches = npt.NDArray[np.int16]
"""The box of each anchor `[batch, anchors]`, by its place among the image's, or -1 for background."""


class Targets(NamedTuple):
    """Targets of a batch: `classes` `[batch, anchors]` (-1 background), `codes` `[batch, anchors, 4]`."""

    classes: tf.Tensor
    codes: tf.Tensor


def match_anchors(anchors: FloatArray, boxes: FloatArray, classes: npt.NDArray[np.int32]) -> Matches:
    """The matches of anchors `[anchors, 4]` with boxes `[batch, boxes, 4]` of classes `[batch, boxes]`, -1 as padding.

    An anchor takes the box that it overlaps most, if by an IoU of 0.5 or more; every box also takes the anchor that
    overlaps it most, so that no object goes without (of two boxes with the same anchor, the first). All other anchors
    are background.
    """
    matches = np.full((len(boxes), len(anchors)), BACKGROUND, np.int16)
    for row, (image_boxes, image_classes) in enumerate(zip(boxes, classes, strict=True)):
        places = np.flatnonzero(image_classes >= 0)
        if len(places):
            _match_image(anchors, image_boxes[places], places, matches[row])
    return matches


def _match_image(anchors: FloatArray, boxes: FloatArray, places: npt.NDArray[np.intp], matches: Matches) -> None:
    iou = _iou(boxes, anchors)
    best_box = np.argmax(iou, axis=0)
    positive = np.take_along_axis(iou, best_box[None], axis=0)[0] >= POSITIVE_IOU
    matches[positive] = places[best_box[positive]]
    best_anchor = np.argmax(iou, axis=1)
    for box in reversed(range(len(boxes))):
        if iou[box, best_anchor[box]] > 0:
            matches[best_anchor[box]] = places[box]


def _iou(boxes: FloatArray, anchors: FloatArray) -> FloatArray:
    """Intersection over union `[boxes, anchors]`."""
    b, a = boxes[:, None, :], anchors[None, :, :]
    height = np.minimum(b[..., 2], a[..., 2]) - np.maximum(b[..., 0], a[..., 0])
    width = np.minimum(b[..., 3], a[..., 3]) - np.maximum(b[..., 1], a[..., 1])
    intersection = np.maximum(height, 0) * np.maximum(width, 0)
    areas = [(x[..., 2] - x[..., 0]) * (x[..., 3] - x[..., 1]) for x in (b, a)]
    overlap: FloatArray = intersection / (areas[0] + areas[1] - intersection)
    return overlap


def targets_of(anchors: tf.Tensor, boxes: tf.Tensor, classes: tf.Tensor, matches: tf.Tensor) -> Targets:
    """Targets from boxes `[batch, boxes, 4]` with classes `[batch, boxes]`, and what `match_anchors` says of them."""
    places = tf.cast(matches, tf.int32)
    matched = tf.maximum(places, 0)
    target_classes = tf.where(places >= 0, tf.gather(classes, matched, batch_dims=1), BACKGROUND)
    return Targets(target_classes, encode(tf.gather(boxes, matched, batch_dims=1), anchors))
