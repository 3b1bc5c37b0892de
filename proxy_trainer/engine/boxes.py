"""Encodes boxes relative to anchors, and decodes them. Boxes are (y1, x1, y2, x2) in pixels."""

from __future__ import annotations

import tensorflow as tf

from search_space.detector import LARGEST_LOG_RATIO

_SMALLEST_SIDE_PX = 1e-3


def encode(boxes: tf.Tensor, anchors: tf.Tensor) -> tf.Tensor:
    """Boxes `[..., anchors, 4]` as (dy, dx, log dh, log dw) relative to the anchors `[anchors, 4]`."""
    centre, side = _centre_and_side(boxes)
    anchor_centre, anchor_side = _centre_and_side(anchors)
    side = tf.maximum(side, _SMALLEST_SIDE_PX)
    return tf.concat([(centre - anchor_centre) / anchor_side, tf.math.log(side / anchor_side)], axis=-1)


def decode(codes: tf.Tensor, anchors: tf.Tensor, image_size: tuple[int, int]) -> tf.Tensor:
    """The inverse of `encode`; sides are bounded, and boxes clipped to an image of (height, width)."""
    anchor_centre, anchor_side = _centre_and_side(anchors)
    centre = codes[..., :2] * anchor_side + anchor_centre
    half = tf.exp(tf.minimum(codes[..., 2:], LARGEST_LOG_RATIO)) * anchor_side / 2
    limits = tf.constant([*image_size, *image_size], tf.float32)
    return tf.clip_by_value(tf.concat([centre - half, centre + half], axis=-1), 0.0, limits)


def _centre_and_side(boxes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    return (boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]
