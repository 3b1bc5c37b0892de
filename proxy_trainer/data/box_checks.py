"""Signs that boxes are not meant as they are read, which is x, y, width, height in pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.data.findings import MAX_EXAMPLES, Finding
from search_space.display import counted
from search_space.proxy_task import ProxyTask

_SMALLEST_STRIDE = 8
_TOLERANCE_PX = 1.0
"""A box may reach so far beyond its image by rounding."""

_SHARE_BEYOND = 1 / 3
_SHARE_VALID = 0.99
_LEAST_PERCENTAGES = 20
"""So many boxes within 0 to 100 pixels of large images are no chance."""


def box_warnings(split: CocoSplit, task: ProxyTask) -> list[Finding]:
    """The findings about the boxes of a split; the sizes of images and anchors are those of the proxy task."""
    if not len(split.boxes):
        return []
    far = split.boxes[:, :2] + split.boxes[:, 2:]
    limits = split.sizes[split.box_images][:, ::-1].astype(np.float64)
    has_area = split.boxes[:, 2:].min(axis=1) > 0
    inside = np.minimum(far, limits) - np.maximum(split.boxes[:, :2], 0)
    outside = has_area & (inside.min(axis=1) <= 0)
    excess = np.maximum(far - limits, -split.boxes[:, :2]).max(axis=1)
    beyond = has_area & ~outside & (excess > _TOLERANCE_PX)
    notes = [
        _fractions(split, far, limits),
        _corners(split, far, limits),
        _note(split, "box-beyond-image", beyond, "beyond the border of the image, cut there for training"),
        _note(
            split,
            "box-outside-image",
            outside,
            "wholly outside the image, with nothing to learn, counted as missed",
        ),
        _no_object_on_a_level(split, task),
    ]
    return [note for note in notes if note is not None]


def _note(split: CocoSplit, kind: str, found: NDArray[np.bool_], text: str) -> Finding | None:
    places = np.flatnonzero(found)
    if not len(places):
        return None
    examples = tuple(_described(split, int(place)) for place in places[:MAX_EXAMPLES])
    return Finding(kind, len(places), f"{split.annotations_file.name}: {counted(len(places), 'box')} {text}", examples)


def _described(split: CocoSplit, box: int) -> str:
    sides = ", ".join(f"{value:g}" for value in split.boxes[box])
    image = int(split.box_images[box])
    height, width = split.sizes[image].tolist()
    return f"[{sides}] in {split.file_names[image]} ({width}x{height})"


def _fractions(split: CocoSplit, far: NDArray[np.float64], limits: NDArray[np.float64]) -> Finding | None:
    within = split.boxes.min() >= 0 and limits.min() > 1
    every = np.ones(len(far), np.bool_)
    if within and split.boxes.max() <= 1:
        text = "with all numbers within 0 to 1: are they fractions of the image? Boxes are in pixels; convert them"
        return _note(split, "boxes-as-fractions", every, text)
    if within and far.max() <= 100 and limits.min() > 200 and len(far) >= _LEAST_PERCENTAGES:
        text = "with all numbers within 0 to 100, in larger images: are they percentages? Boxes are in pixels"
        return _note(split, "boxes-as-percentages", every, text)
    return None


def _corners(split: CocoSplit, far: NDArray[np.float64], limits: NDArray[np.float64]) -> Finding | None:
    """Boxes x1, y1, x2, y2: read as widths, many end beyond the border, and as corners nearly all are valid.

    Boxes as x, y, width, height seldom leave the image, and all of them seldom are larger than their offset.
    """
    near, corner = split.boxes[:, :2], split.boxes[:, 2:]
    valid = np.minimum(corner - near, limits + _TOLERANCE_PX - corner).min(axis=1) > 0
    valid &= near.min(axis=1) >= 0
    beyond = (far - limits).max(axis=1) > _TOLERANCE_PX
    if valid.mean() < _SHARE_VALID or (valid & beyond).mean() < _SHARE_BEYOND:
        return None
    text = (
        "that leave their image as x, y, width, height, which COCO boxes are, but would be valid as corners x1, y1, "
        "x2, y2; convert them if they are corners"
    )
    return _note(split, "boxes-as-corners", valid & beyond, text)


def _no_object_on_a_level(split: CocoSplit, task: ProxyTask) -> Finding | None:
    """Where every object is too small, once resized, for an IoU of 0.5 with the smallest anchor."""
    training = split.training_boxes
    scale = task.image_px / split.sizes.max(axis=1)
    sides = (training.corners[:, 2:] - training.corners[:, :2]).astype(np.float64) * scale[training.images, None]
    largest = float(np.sqrt(sides.prod(axis=1)).max(initial=0))
    smallest_anchor = task.anchor_size * _SMALLEST_STRIDE
    if not len(sides) or largest >= smallest_anchor * np.sqrt(0.5):
        return None
    message = (
        f"{split.annotations_file.name}: no object is large enough for any level of the network: at {task.image_px} px "
        f"the largest of {counted(len(sides), 'object')} has the area of a square of {largest:.2g} px, the smallest "
        f"anchor a side of {smallest_anchor:g} px; raise image_px, lower anchor_size, or cut the images into tiles"
    )
    examples = tuple(split.file_names[int(image)] for image in dict.fromkeys(training.images[:MAX_EXAMPLES].tolist()))
    return Finding("no-object-on-a-level", len(sides), message, examples)
