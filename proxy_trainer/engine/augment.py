"""Horizontal flip and scale jitter: sampled in NumPy, applied to the pixels by one graph operation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from search_space.proxy_task import ProxyTask

FloatArray = npt.NDArray[np.float32]
_SMALLEST_VISIBLE_PX = 2.0


class Views(NamedTuple):
    """The augmentation of each image of a batch.

    `scale` `[batch]`; `origin` (y, x) `[batch, 2]`, the corner of the view in pixels of the scaled image; `flipped`
    `[batch]`.
    """

    scale: FloatArray
    origin: FloatArray
    flipped: npt.NDArray[np.bool_]


def draw_views(task: ProxyTask, sizes: npt.NDArray[np.int32], generator: np.random.Generator) -> Views:
    """Random views of images of `sizes` (height, width) `[batch, 2]` without padding.

    An image is scaled by a random factor from the task's range. If the result is larger than the view, the view is a
    random crop; if it is smaller, it is padded at the bottom and on the right.
    """
    count = len(sizes)
    scale = generator.uniform(task.scale_min, task.scale_max, count).astype(np.float32)
    excess = np.maximum(sizes * scale[:, None] - task.image_px, 0.0)
    origin = (excess * generator.random((count, 2))).astype(np.float32)
    coin = generator.random(count) < 0.5
    return Views(scale, origin, coin & task.flip)


def view_boxes(boxes: FloatArray, views: Views, image_px: int) -> FloatArray:
    """Boxes `[batch, boxes, 4]` (y1, x1, y2, x2) in the views, clipped to the image; one outside has no area."""
    moved = boxes * views.scale[:, None, None] - np.tile(views.origin, 2)[:, None, :]
    mirrored = np.stack([moved[..., 0], image_px - moved[..., 3], moved[..., 2], image_px - moved[..., 1]], axis=-1)
    moved = np.where(views.flipped[:, None, None], mirrored, moved)
    clipped: FloatArray = np.clip(moved, 0.0, image_px).astype(np.float32)
    return clipped


def is_visible(boxes: FloatArray) -> npt.NDArray[np.bool_]:
    """Which boxes `[..., 4]` are large enough to learn from."""
    sides = boxes[..., 2:] - boxes[..., :2]
    visible: npt.NDArray[np.bool_] = np.min(sides, axis=-1) >= _SMALLEST_VISIBLE_PX
    return visible


def sampling_windows(views: Views, image_px: int) -> FloatArray:
    """The windows of `view_pixels` `[batch, 4]`: the normalised source positions of its first and last pixels.

    They are (y1, x1, y2, x2). Pixel i of a view is sampled at (i + 0.5 + origin) / scale - 0.5; a flip swaps x1 and x2.
    """
    ends = np.array([0.5, image_px - 0.5], dtype=np.float32)
    at = (ends[None, :, None] + views.origin[:, None, :]) / views.scale[:, None, None] - 0.5
    windows = at.reshape(-1, 4) / (image_px - 1)
    return np.where(views.flipped[:, None], windows[:, [0, 3, 2, 1]], windows).astype(np.float32)


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
