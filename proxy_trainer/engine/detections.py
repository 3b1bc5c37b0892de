"""Detections of a batch of images, and the non-maximum suppression that selects them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from search_space.detector import MAX_DETECTIONS, NMS_IOU, SCORE_THRESHOLD


class DetectionBatch(NamedTuple):
    """Detections of a batch, best first.

    `boxes` `[batch, 100, 4]` (y1, x1, y2, x2) in pixels of the padded image; `scores` and `classes` `[batch, 100]`;
    `valid` `[batch]`, the number of detections of each image.
    """

    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    classes: npt.NDArray[np.float32]
    valid: npt.NDArray[np.int32]


def non_max_suppression(boxes: tf.Tensor, scores: tf.Tensor) -> Any:
    """The fields of `DetectionBatch` after non-maximum suppression, which XLA does not support."""
    return tf.image.combined_non_max_suppression(
        boxes[:, :, None, :],
        scores,
        max_output_size_per_class=MAX_DETECTIONS,
        max_total_size=MAX_DETECTIONS,
        iou_threshold=NMS_IOU,
        score_threshold=SCORE_THRESHOLD,
        clip_boxes=False,
    )
