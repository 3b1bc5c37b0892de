"""The non-maximum suppression that selects the detections of a batch of images."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from search_space.detector import MAX_DETECTIONS, NMS_IOU, SCORE_THRESHOLD


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
