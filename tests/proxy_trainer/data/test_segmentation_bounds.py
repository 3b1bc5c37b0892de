from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pycocotools import mask

from proxy_trainer.data.segmentation_bounds import segmentation_bounds


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("form", ["list", "text"])
def test_masks_have_the_box_that_pycocotools_gives(seed: int, form: str) -> None:
    rng = np.random.default_rng(seed)
    height, width = (int(side) for side in rng.integers(1, 40, 2))
    pixels = np.zeros((height, width), np.uint8, order="F")
    for _ in range(rng.integers(1, 4)):
        top, left = rng.integers(0, height), rng.integers(0, width)
        pixels[top : top + rng.integers(1, 12), left : left + rng.integers(1, 12)] = 1
    encoded = mask.encode(pixels)
    if form == "text":
        counts: Any = encoded["counts"].decode()
    else:
        flat = np.concatenate([[0], pixels.ravel(order="F"), [2]])
        changes = np.flatnonzero(np.diff(flat.astype(int)))
        counts = np.diff(np.concatenate([[0], changes])).tolist()
    assert segmentation_bounds({"size": [height, width], "counts": counts}) == tuple(mask.toBbox(encoded))


@pytest.mark.parametrize(
    ("found", "box"),
    [
        ([[1, 2, 11, 2, 11, 14, 1, 14]], (1, 2, 10, 12)),
        ([[5.5, 1, 7, 1, 7, 3], [20, 30, 21, 40, 22, 31]], (5.5, 1, 16.5, 39)),
        ([[1, 2], [5, 6, 7, 8, 9, 10.5]], (5, 6, 4, 4.5)),
        ([1, 2, 11, 2, 11, 14], (1, 2, 10, 12)),
        ([[-3, 0, 4, 0, 4, 4]], (-3, 0, 7, 4)),
    ],
)
def test_polygons(found: Any, box: tuple[float, ...]) -> None:
    assert segmentation_bounds(found) == box


@pytest.mark.parametrize(
    "found",
    [
        None,
        "text",
        7,
        [],
        [[]],
        [[1, 2, 3, 4]],
        [[1, 2, 3, 4, 5, 6, 7]],
        [[1, 2, 1, 5, 1, 9]],
        [["1", 2, 3, 4, 5, 6]],
        [[1, 2, 3, 4, 5, float("nan")]],
        [[1, 2, 3, 4, 5, 1e300]],
        [[True, 2, 3, 4, 5, 6]],
        [None],
        {},
        {"size": [4, 4]},
        {"counts": [16]},
        {"size": [4, 4], "counts": [16]},
        {"size": [4, 4], "counts": []},
        {"size": [4, 4], "counts": [2, 3]},
        {"size": [4, 4], "counts": [2, -3, 17]},
        {"size": [4, 4], "counts": [2, 2.5, 11.5]},
        {"size": [0, 4], "counts": [0]},
        {"size": [4], "counts": [4]},
        {"size": "4x4", "counts": [4]},
        {"size": [4, 4], "counts": "\0"},
        {"size": [4, 4], "counts": "oooooooooooooooooo"},
        {"size": [4, 4], "counts": "é"},
        {"size": [2**31, 2**31], "counts": [1]},
    ],
)
def test_what_has_no_area_or_is_no_outline_has_no_box(found: Any) -> None:
    assert segmentation_bounds(found) is None
