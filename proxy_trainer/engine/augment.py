"""The pixels of augmented images, by one graph operation; `data.views` samples the views."""

from __future__ import annotations

import tensorflow as tf


def view_pixels(images: tf.Tensor, windows: tf.Tensor) -> tf.Tensor:
    """The views `[batch, px, px, 3]` of images `[batch, px, px, 3]` by bilinear sampling, zero outside the image."""
    batch = tf.shape(images)[0]
    return tf.image.crop_and_resize(images, windows, tf.range(batch), images.shape[1:3])


def view_pixels_by_matmul(images: tf.Tensor, windows: tf.Tensor) -> tf.Tensor:
    """The same as `view_pixels` up to rounding, by two matrix products, because XLA has no crop-and-resize."""
    px = images.shape[1]
    ends = windows * (px - 1.0)
    steps = tf.range(px, dtype=tf.float32)
    weights = []
    for first, last in ((0, 2), (1, 3)):
        stride = (ends[:, last] - ends[:, first]) / (px - 1.0)
        at = ends[:, first, None] + steps * stride[:, None]
        inside = tf.cast((at >= 0.0) & (at <= px - 1.0), tf.float32)
        weights.append(tf.nn.relu(1.0 - tf.abs(at[:, :, None] - steps)) * inside[:, :, None])
    return tf.einsum("byi,bijc,bxj->byxc", weights[0], images, weights[1])
