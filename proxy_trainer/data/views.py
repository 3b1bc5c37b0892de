"""Horizontal flip and scale jitter: sampled views of images, and their boxes and pixels, in NumPy."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

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
    clipped: FloatArray = np.clip(moved_boxes(boxes, views, image_px), 0.0, image_px)
    return clipped


def moved_boxes(boxes: FloatArray, views: Views, image_px: int) -> FloatArray:
    """Boxes `[batch, boxes, 4]` (y1, x1, y2, x2) in the views, which may reach beyond the image."""
    moved = boxes * views.scale[:, None, None] - np.tile(views.origin, 2)[:, None, :]
    mirrored = np.stack([moved[..., 0], image_px - moved[..., 3], moved[..., 2], image_px - moved[..., 1]], axis=-1)
    placed: FloatArray = np.where(views.flipped[:, None, None], mirrored, moved).astype(np.float32)
    return placed


def is_visible(boxes: FloatArray) -> npt.NDArray[np.bool_]:
    """Which boxes `[..., 4]` are large enough to learn from."""
    sides = boxes[..., 2:] - boxes[..., :2]
    visible: npt.NDArray[np.bool_] = np.min(sides, axis=-1) >= _SMALLEST_VISIBLE_PX
    return visible


def sampling_windows(views: Views, image_px: int) -> FloatArray:
    """The windows of `engine.augment.view_pixels` `[batch, 4]`.

    They are (y1, x1, y2, x2), the normalised source positions of its first and last pixels. Pixel i of a view is
    sampled at (i + 0.5 + origin) / scale - 0.5; a flip swaps x1 and x2.
    """
    ends = np.array([0.5, image_px - 0.5], dtype=np.float32)
    at = (ends[None, :, None] + views.origin[:, None, :]) / views.scale[:, None, None] - 0.5
    windows = at.reshape(-1, 4) / (image_px - 1)
    return np.where(views.flipped[:, None], windows[:, [0, 3, 2, 1]], windows).astype(np.float32)


def sampled_view(image: npt.NDArray[np.uint8], views: Views, index: int) -> npt.NDArray[np.uint8]:
    """View `index` of an image, uint8 `[px, px, 3]`, by bilinear sampling, zero outside: what training computes."""
    px = len(image)
    y1, x1, y2, x2 = (sampling_windows(views, px)[index].astype(np.float64) * (px - 1)).tolist()
    rows, columns = _bilinear(y1, y2, px), _bilinear(x1, x2, px)
    sampled = np.einsum("yi,ijc,xj->yxc", rows, image.astype(np.float64), columns, optimize=True)
    seen: npt.NDArray[np.uint8] = np.clip(np.rint(sampled), 0, 255).astype(np.uint8)
    return seen


def _bilinear(first: float, last: float, px: int) -> npt.NDArray[np.float64]:
    """The weights `[px, px]` of the source positions in each of the sampled ones, from `first` to `last`."""
    at = np.linspace(first, last, px)
    weights = np.maximum(1.0 - np.abs(at[:, None] - np.arange(px)), 0.0)
    inside: npt.NDArray[np.float64] = np.where((at >= 0) & (at <= px - 1), 1.0, 0.0)[:, None]
    return weights * inside
