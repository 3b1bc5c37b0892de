"""Statistics of a detection data set, for `effspine data inspect`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from proxy_trainer.data.coco import CocoSplit
from search_space.proxy_task import ProxyTask

# The area ranges of the COCO metrics, in square pixels of the original image.
_AREAS = {"small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, np.inf)}
_LEVELS = range(3, 8)
_ANCHORS_PER_OCTAVE = 3


def inspect_split(split: CocoSplit, task: ProxyTask) -> dict[str, Any]:
    """Counts of images, boxes and categories, and box sizes; opens no image.

    `levels` counts the training boxes by the pyramid level of their nearest anchor in size, for images resized to
    the task's `image_px` and levels whose smallest anchor is its `anchor_size` strides wide.
    """
    with_boxes = np.bincount(split.box_images, minlength=len(split)) > 0
    positive = ~split.crowd
    training = split.training_boxes
    return {
        "images": len(split),
        "boxes": len(split.boxes),
        "crowd_boxes": int(split.crowd.sum()),
        "empty_images": int((~with_boxes).sum()),
        "boxes_clipped": training.clipped,
        "boxes_without_area": training.dropped,
        "image_sizes": _image_sizes(split),
        "areas": {
            name: int(((split.areas[positive] >= low) & (split.areas[positive] < high)).sum())
            for name, (low, high) in _AREAS.items()
        },
        "image_px": task.image_px,
        "anchor_size": task.anchor_size,
        "levels": _levels(split, task),
        "categories": _categories(split),
    }


def box_levels(corners: NDArray[np.float32], scale: NDArray[np.float64], anchor_size: float) -> NDArray[np.int64]:
    """The pyramid level, 3 to 7, whose anchors are nearest in size to each box, int64 [b].

    `corners` [b, 4] (x1, y1, x2, y2) are in pixels of the original image, `scale` [b] is resized over original size,
    `anchor_size` is the smallest anchor of a level in strides.
    """
    sides = (corners[:, 2:] - corners[:, :2]).astype(np.float64)
    octaves = np.log2(np.sqrt(sides[:, 0] * sides[:, 1]) * scale / anchor_size)
    nearest = np.floor(np.rint(octaves * _ANCHORS_PER_OCTAVE) / _ANCHORS_PER_OCTAVE)
    levels: NDArray[np.int64] = np.clip(nearest, _LEVELS[0], _LEVELS[-1]).astype(np.int64)
    return levels


def _levels(split: CocoSplit, task: ProxyTask) -> dict[str, int]:
    training = split.training_boxes
    scale = task.image_px / split.sizes.max(axis=1)
    found = box_levels(training.corners, scale[training.images], task.anchor_size)
    return {f"P{level}": int((found == level).sum()) for level in _LEVELS}


def _image_sizes(split: CocoSplit) -> dict[str, list[int]]:
    """(width, height) of the smallest, the median and the largest image by area."""
    order = np.argsort(split.sizes.astype(np.int64).prod(axis=1), kind="stable")
    places = {"smallest": order[0], "median": order[len(order) // 2], "largest": order[-1]}
    return {name: split.sizes[index][::-1].tolist() for name, index in places.items()}


def _categories(split: CocoSplit) -> list[dict[str, Any]]:
    count = len(split.category_ids)
    boxes = np.bincount(split.categories, minlength=count)
    images = np.bincount(np.unique(np.stack([split.categories, split.box_images]), axis=1)[0], minlength=count)
    return [
        {"id": number, "name": name, "boxes": int(boxes[index]), "images": int(images[index])}
        for index, (number, name) in enumerate(zip(split.category_ids, split.category_names, strict=True))
    ]
