"""What surrounds the network of a RetinaNet detector: normalisation, anchors, box codes, losses, suppression.

Training, inference, the block specification and every export derive from these constants.
"""

from __future__ import annotations

import math
from typing import Any

IMAGE_MEAN = (123.675, 116.28, 103.53)
IMAGE_DEVIATION = (58.395, 57.12, 57.375)
"""Mean and standard deviation of the red, green and blue values, 0 to 255, of natural images."""

BN_EPSILON = 1e-3
"""Added to the variance in batch normalisation."""

FUSION_EPSILON = 1e-3
"""Added to the sum of the weights in fast normalised fusion (Equation 1)."""

OCTAVE_SCALES = (1.0, 2 ** (1 / 3), 2 ** (2 / 3))
ASPECT_RATIOS = (0.5, 1.0, 2.0)
"""Sizes and ratios (height over width) of the nine anchors of a location, as in RetinaNet."""

PAPER_ANCHOR_SIZE = 3.0
"""The side of the anchor of scale 1 and ratio 1, in strides of its level, as SpineNet is trained."""

PROPOSAL_ANCHOR_SIZE = 4.0
"""The side of an anchor of region proposals in strides: 32 px at P3 to 512 px at P7, as in feature pyramid networks."""

POSITIVE_IOU = 0.5
"""An anchor with at least this overlap with a box is trained to find it."""

LARGEST_LOG_RATIO = math.log(1000 / 16)
"""The largest logarithm of a decoded side over its anchor's."""

FOCAL_ALPHA = 0.25
FOCAL_GAMMA = 1.5
HUBER_DELTA = 0.1
BOX_LOSS_WEIGHT = 50.0

MAX_DETECTIONS = 100
NMS_IOU = 0.5
SCORE_THRESHOLD = 0.001
"""Non-maximum suppression, within each class: at most this many detections of an image, at this overlap and score."""

SHOWN_SCORE = 0.3
"""The lowest score of objects that are shown to people, unless they ask for another."""


def detector_document(anchor_size: float) -> dict[str, Any]:
    """The constants as JSON values: the section `detector` of a block specification.

    `anchor_size` is the side of the anchor of scale 1 and ratio 1, in strides of its level.
    """
    return {
        "preprocessing": {
            "resize": "bilinear, so that the long side is input_px; the aspect ratio is kept",
            "mean": list(IMAGE_MEAN),
            "deviation": list(IMAGE_DEVIATION),
            "padding": "zeros at the bottom and on the right, after normalisation",
        },
        "batch_norm_epsilon": BN_EPSILON,
        "fusion_epsilon": FUSION_EPSILON,
        "anchors": {
            "size": anchor_size,
            "octave_scales": list(OCTAVE_SCALES),
            "aspect_ratios": list(ASPECT_RATIOS),
            "positive_iou": POSITIVE_IOU,
        },
        "boxes": {"order": "y1, x1, y2, x2", "codes": "dy, dx, log dh, log dw", "largest_log_ratio": LARGEST_LOG_RATIO},
        "losses": {
            "focal_alpha": FOCAL_ALPHA,
            "focal_gamma": FOCAL_GAMMA,
            "huber_delta": HUBER_DELTA,
            "box_weight": BOX_LOSS_WEIGHT,
        },
        "suppression": {"iou": NMS_IOU, "score": SCORE_THRESHOLD, "detections": MAX_DETECTIONS, "scope": "class"},
    }
