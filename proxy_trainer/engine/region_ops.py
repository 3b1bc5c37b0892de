"""The TensorFlow interpreter of two-stage detectors: region proposals, detections, and crops by RoIAlign.

K. He et al., "Mask R-CNN", ICCV 2017. The level of a region follows T.-Y. Lin et al., "Feature Pyramid Networks for
Object Detection", CVPR 2017, Equation 1.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from proxy_trainer.engine.boxes import decode
from proxy_trainer.engine.tensor_kernels import number_of_channels
from proxy_trainer.engine.tensor_ops import TensorOps
from search_space.anchors import level_anchors
from search_space.detector import NMS_IOU, PROPOSAL_ANCHOR_SIZE, SCORE_THRESHOLD

CANDIDATES_PER_LEVEL = 1000
"""Number of best anchors of each level that non-maximum suppression selects proposals from."""

PROPOSAL_NMS_IOU = 0.7

CANONICAL_SIDE_PX = 224
CANONICAL_LEVEL = 4
"""A region of the canonical side is cropped from the canonical level, one of twice that side from the next level."""

SAMPLES = 2
"""Sampling points of RoIAlign per bin and axis."""


class TensorRegionOps(TensorOps):
    """`RegionOps` over tensors; unused rows of boxes and scores are zero.

    `anchor_size` is the width of an anchor in strides, the published one unless a training sets another.
    """

    anchor_size: float = PROPOSAL_ANCHOR_SIZE

    def propose(
        self,
        objectness: dict[int, tf.Tensor],
        codes: dict[int, tf.Tensor],
        image_size: tuple[int, int],
        count: int,
    ) -> tf.Tensor:
        candidates = [
            _best_of_level(
                objectness[level], codes[level], level_anchors(image_size, level, self.anchor_size, (1.0,)), image_size
            )
            for level in objectness
        ]
        boxes, scores = (tf.concat(parts, axis=1) for parts in zip(*candidates, strict=True))
        return tf.image.combined_non_max_suppression(
            boxes[:, :, None, :],
            scores[:, :, None],
            max_output_size_per_class=count,
            max_total_size=count,
            iou_threshold=PROPOSAL_NMS_IOU,
            clip_boxes=False,
        ).nmsed_boxes

    def detect(
        self,
        boxes: tf.Tensor,
        class_logits: tf.Tensor,
        codes: tf.Tensor,
        image_size: tuple[int, int],
        count: int,
    ) -> tf.Tensor:
        """As `RegionOps.detect`; class 0 is the background."""
        regions, classes = boxes.shape[1], class_logits.shape[-1]
        scores = tf.nn.softmax(tf.reshape(class_logits, (-1, regions, classes))) * _has_area(boxes)[..., None]
        refined = decode(tf.reshape(codes, (-1, regions, classes, 4)), boxes[:, :, None, :], image_size)
        kept = tf.image.combined_non_max_suppression(
            refined[:, :, 1:],
            scores[:, :, 1:],
            max_output_size_per_class=count,
            max_total_size=count,
            iou_threshold=NMS_IOU,
            score_threshold=SCORE_THRESHOLD,
            clip_boxes=False,
        )
        is_kept = tf.sequence_mask(kept.valid_detections, count, tf.float32)
        labels = (kept.nmsed_classes + 1.0) * is_kept
        return tf.concat([kept.nmsed_boxes, kept.nmsed_scores[..., None], labels[..., None]], axis=-1)

    def roi_align(self, features: dict[int, tf.Tensor], boxes: tf.Tensor, size: int) -> tf.Tensor:
        levels = sorted(features)
        heights, widths = ([self.size(features[level])[axis] for level in levels] for axis in (0, 1))
        starts = [sum(h * w for h, w in zip(heights[:i], widths[:i], strict=True)) for i in range(len(levels))]
        channels = number_of_channels(features[levels[0]])
        flat = tf.concat([tf.reshape(features[level], (-1, h * w, channels)) for level, h, w in
                          zip(levels, heights, widths, strict=True)], axis=1)  # fmt: skip

        boxes = boxes[..., :4]
        rank = _level(boxes, levels[0], levels[-1]) - levels[0]
        height, width, start = (tf.gather(values, rank) for values in (heights, widths, starts))
        stride = tf.gather([2.0**level for level in levels], rank)
        rows = _axis_samples(boxes[..., 0], boxes[..., 2], stride, height, size)
        columns = _axis_samples(boxes[..., 1], boxes[..., 3], stride, width, size)

        total = tf.zeros([])
        for row, row_weight in rows:
            for column, column_weight in columns:
                index = start[..., None, None] + row[..., :, None] * width[..., None, None] + column[..., None, :]
                weight = row_weight[..., :, None] * column_weight[..., None, :]
                total += weight[..., None] * tf.gather(flat, index, batch_dims=1)
        bins = tf.reshape(total, (-1, size, SAMPLES, size, SAMPLES, channels))
        return tf.reduce_mean(bins, axis=(2, 4))

    def dense(self, x: tf.Tensor, width: int, name: str) -> tf.Tensor:
        weights = self._parameter(f"{name}/kernel", "kernel", *x.shape[1:], width)
        return tf.nn.conv2d(x, weights, strides=1, padding="VALID")

    def conv_transpose(self, x: tf.Tensor, width: int, name: str, *, bias: float) -> tf.Tensor:
        height, map_width = self.size(x)
        weights = self._parameter(f"{name}/kernel", "kernel", 2, 2, x.shape[-1], width)
        shape = (tf.shape(x)[0], 2 * height, 2 * map_width, width)
        y = tf.nn.conv2d_transpose(x, tf.transpose(weights, (0, 1, 3, 2)), shape, strides=2, padding="VALID")
        return self._add_bias(y, width, name, bias)


def _best_of_level(
    objectness: tf.Tensor, codes: tf.Tensor, all_anchors: npt.NDArray[np.float64], image_size: tuple[int, int]
) -> tuple[tf.Tensor, tf.Tensor]:
    """The best anchors of a level, as boxes `[batch, candidates, 4]` and scores `[batch, candidates]`."""
    anchors = tf.constant(all_anchors, tf.float32)
    count = anchors.shape[0]
    scores = tf.nn.sigmoid(tf.reshape(objectness, (-1, count)))
    scores, chosen = tf.math.top_k(scores, min(CANDIDATES_PER_LEVEL, count))
    codes = tf.gather(tf.reshape(codes, (-1, count, 4)), chosen, batch_dims=1)
    boxes = decode(codes, tf.gather(anchors, chosen), image_size)
    return boxes, scores * _has_area(boxes)


def _has_area(boxes: tf.Tensor) -> tf.Tensor:
    """1 where a region has an area, 0 where it has none because it is unused or clipped to an edge of the image."""
    return tf.cast(tf.reduce_all(boxes[..., 2:] > boxes[..., :2], axis=-1), tf.float32)


def _level(boxes: tf.Tensor, lowest: int, highest: int) -> tf.Tensor:
    """The pyramid level that a region is cropped from, by its area."""
    area = (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
    side = tf.sqrt(tf.maximum(area, 1.0))
    level = CANONICAL_LEVEL + tf.cast(tf.floor(tf.math.log(side / CANONICAL_SIDE_PX) / tf.math.log(2.0)), tf.int32)
    return tf.clip_by_value(level, lowest, highest)


def _axis_samples(
    first: tf.Tensor, last: tf.Tensor, stride: tf.Tensor, limit: tf.Tensor, size: int
) -> tuple[tuple[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    """Bilinear sampling of regions from `first` to `last` along one axis of feature maps with `limit` positions.

    Returns positions and weights `[batch, regions, size * SAMPLES]` of the lower and of the upper neighbour of each
    sampling point. Sampling points are the centres of equal parts of the region; the centre of a position is half a
    stride from its edge.
    """
    fractions = (tf.range(size * SAMPLES, dtype=tf.float32) + 0.5) / (size * SAMPLES)
    points = (first[..., None] + fractions * (last - first)[..., None]) / stride[..., None] - 0.5
    points = tf.clip_by_value(points, 0.0, tf.cast(limit, tf.float32)[..., None] - 1.0)
    below = tf.floor(points)
    fraction = points - below
    position = tf.cast(below, tf.int32)
    return (position, 1.0 - fraction), (tf.minimum(position + 1, limit[..., None] - 1), fraction)
