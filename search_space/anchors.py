"""Anchors of RetinaNet: nine boxes at every location of P3 to P7."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from search_space.detector import ASPECT_RATIOS, OCTAVE_SCALES
from search_space.networks.retinanet import LEVELS


def anchor_boxes(image_px: int, anchor_size: float) -> npt.NDArray[np.float32]:
    """All anchors `[anchors, 4]` as (y1, x1, y2, x2) in pixels of a square image, in the order of the predictions.

    The order is level from 3 to 7, then row, column, scale, aspect ratio (height over width). The anchor of scale 1 and
    aspect ratio 1 is `anchor_size` strides wide.
    """
    levels = [level_anchors((image_px, image_px), level, anchor_size, OCTAVE_SCALES) for level in LEVELS]
    return np.concatenate(levels).astype(np.float32)


def level_anchors(
    image_size: tuple[int, int], level: int, anchor_size: float, scales: tuple[float, ...]
) -> npt.NDArray[np.float64]:
    """The anchors `[anchors, 4]` of one level for an image of (height, width), ordered by row, column, scale, ratio."""
    stride = 2**level
    rows, columns = ((np.arange(math.ceil(px / stride)) + 0.5) * stride for px in image_size)
    sides = [anchor_size * stride * scale for scale in scales]
    shapes = np.array([(side * math.sqrt(ratio), side / math.sqrt(ratio)) for side in sides for ratio in ASPECT_RATIOS])
    y, x = np.meshgrid(rows, columns, indexing="ij")
    centre = np.stack([y, x], axis=-1).reshape(-1, 1, 2)
    return np.concatenate([centre - shapes / 2, centre + shapes / 2], axis=-1).reshape(-1, 4)
