"""Detections of a batch of images, and what computes them: an engine, or an exported detector in its own runtime."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt


class DetectionBatch(NamedTuple):
    """Detections of a batch, best first.

    `boxes` `[batch, 100, 4]` (y1, x1, y2, x2) in pixels of the padded image; `scores` and `classes` `[batch, 100]`;
    `valid` `[batch]`, the number of detections of each image.
    """

    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    classes: npt.NDArray[np.float32]
    valid: npt.NDArray[np.int32]


class Detects(Protocol):
    """A detector for square images of one size."""

    def detect(self, pixels: npt.NDArray[np.uint8], sizes: npt.NDArray[np.int32]) -> DetectionBatch:
        """Detections on images `[batch, px, px, 3]`, RGB, that are padded beyond `sizes` `[batch, 2]` (h, w)."""
        ...
