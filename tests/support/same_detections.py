"""Whether two runtimes find the same objects."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Arrays = Sequence[npt.NDArray[np.number]]
"""Boxes `[batch, 100, 4]` in pixels, scores and classes `[batch, 100]`, and the valid detections `[batch]`."""

SCORE_TOLERANCE = 1e-4
BOX_TOLERANCE_PX = 0.01


def assert_same_detections(found: Arrays, expected: Arrays, *, unequal: int = 0) -> None:
    """Asserts that each valid detection has its equal: the same class, and score and box within the tolerances.

    The order may differ where scores differ by rounding, but they descend, and what is beyond the valid detections is
    zero. `unequal` of them may have no equal: where an overlap is the limit up to rounding, runtimes keep another box.
    """
    np.testing.assert_array_equal(found[-1], expected[-1])
    missing = 0
    for image, valid in enumerate(expected[-1]):
        for values in found[:-1]:
            assert not np.any(values[image, valid:])
        assert np.all(np.diff(found[1][image]) <= 0)
        missing += _without_equal(*([each[image, :valid] for each in arrays[:-1]] for arrays in (found, expected)))
    assert missing <= unequal


def _without_equal(found: Arrays, expected: Arrays) -> int:
    """How many detections of one image have no equal among the others."""
    (boxes, scores, classes), (other_boxes, other_scores, other_classes) = found, expected
    is_open = np.ones(len(other_scores), bool)
    missing = 0
    for box, score, kind in zip(boxes, scores, classes, strict=True):
        is_equal = is_open & (other_classes == kind) & (np.abs(other_scores - score) <= SCORE_TOLERANCE)
        is_equal &= np.all(np.abs(other_boxes - box) <= BOX_TOLERANCE_PX, axis=-1)
        if is_equal.any():
            is_open[np.argmax(is_equal)] = False
        else:
            missing += 1
    return missing
