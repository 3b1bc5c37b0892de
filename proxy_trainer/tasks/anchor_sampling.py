"""Which anchors a region proposal network learns from, in NumPy: the assignment of Faster R-CNN.

S. Ren et al., "Faster R-CNN", NeurIPS 2015, section 3.1.2.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from proxy_trainer.engine.targets import FloatArray, box_iou

POSITIVE_IOU, NEGATIVE_IOU = 0.7, 0.3
"""An anchor is positive from the first overlap with some box on, and negative below the second with every box."""

POSITIVE_SHARE = 0.5
"""At most this share of the sampled anchors is positive."""

IGNORED = -1


class AnchorSample(NamedTuple):
    """`labels` int8 `[anchors]`: 1 positive, 0 negative, -1 not sampled; `matches` int16, the box of each positive."""

    labels: npt.NDArray[np.int8]
    matches: npt.NDArray[np.int16]


def sample_anchors(
    anchors: FloatArray, boxes: FloatArray, present: npt.NDArray[np.bool_], count: int, rng: np.random.Generator
) -> AnchorSample:
    """`count` of the anchors `[anchors, 4]` of an image with boxes `[boxes, 4]`, of which some are `present`.

    Positive are the anchors with an overlap of at least 0.7 with a box, and the best of each box; negative are others
    below 0.3. Where there are fewer positives than half of `count`, negatives fill it up.
    """
    labels, matches = np.full(len(anchors), IGNORED, np.int8), np.zeros(len(anchors), np.int16)
    indices = np.flatnonzero(present)
    negative = np.ones(len(anchors), np.bool_)
    positive = np.zeros(len(anchors), np.bool_)
    if len(indices):
        iou = box_iou(boxes[indices], anchors)
        best, nearest = iou.max(axis=0), iou.argmax(axis=0)
        for row in reversed(range(len(indices))):
            top = int(np.argmax(iou[row]))
            if iou[row, top] > 0:
                positive[top], nearest[top] = True, row
        positive |= best >= POSITIVE_IOU
        negative = (best < NEGATIVE_IOU) & ~positive
        matches = indices[nearest].astype(np.int16)
    chosen = _drawn(positive, int(count * POSITIVE_SHARE), rng)
    labels[_drawn(negative, count - len(chosen), rng)] = 0
    labels[chosen] = 1
    return AnchorSample(labels, matches)


def _drawn(candidates: npt.NDArray[np.bool_], most: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """At most so many of the candidates, at random."""
    return rng.permutation(np.flatnonzero(candidates))[:most]
