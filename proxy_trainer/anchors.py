"""Anchors of RetinaNet: nine boxes at every location of P3 to P7."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from search_space.networks.retinanet import LEVELS

OCTAVE_SCALES = (1.0, 2 ** (1 / 3), 2 ** (2 / 3))
ASPECT_RATIOS = (0.5, 1.0, 2.0)


def anchor_boxes(image_px: int, anchor_size: float) -> npt.NDArray[np.float32]:
    """All anchors `[anchors, 4]` as (y1, x1, y2, x2) in pixels of a square image, in the order of the predictions.

    That order is: level from 3 to 7, then row, column, scale, aspect ratio (height over width). The anchor of scale
    1 and ratio 1 is `anchor_size` strides wide.
    """
    return np.concatenate([_level_anchors(image_px, level, anchor_size) for level in LEVELS]).astype(np.float32)


def _level_anchors(image_px: int, level: int, anchor_size: float) -> npt.NDArray[np.float64]:
    stride = 2**level
    centres = (np.arange(math.ceil(image_px / stride)) + 0.5) * stride
    sides = [anchor_size * stride * scale for scale in OCTAVE_SCALES]
    shapes = np.array([(side * math.sqrt(ratio), side / math.sqrt(ratio)) for side in sides for ratio in ASPECT_RATIOS])
    y, x = np.meshgrid(centres, centres, indexing="ij")
    centre = np.stack([y, x], axis=-1).reshape(-1, 1, 2)
    return np.concatenate([centre - shapes / 2, centre + shapes / 2], axis=-1).reshape(-1, 4)
