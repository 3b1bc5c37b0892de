from __future__ import annotations

from typing import Any

import pytest

from nas_controller.search.data_difference import data_difference

TRAIN = {"images": 200, "boxes": 512, "annotations_sha256": "a1", "images_sha256": "i1"}
RESERVED = {"images": 40, "boxes": 92, "annotations_sha256": "a2", "images_sha256": "i2"}
RECORDED: dict[str, Any] = {"sha256": "s", "train": TRAIN, "reserved": RESERVED}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (
            {"train": TRAIN, "reserved": RESERVED | {"boxes": 90, "annotations_sha256": "x"}},
            "the annotations of the reserved images differ (90 boxes, 92 before)",
        ),
        (
            {"train": TRAIN | {"images_sha256": "x"}, "reserved": RESERVED},
            "the training images differ (200 images)",
        ),
        (
            {"train": TRAIN | {"annotations_sha256": "x"}, "reserved": RESERVED | {"images": 39, "images_sha256": "x"}},
            "the annotations of the training images differ (512 boxes); "
            "the reserved images differ (39 images, 40 before)",
        ),
        ({"train": TRAIN, "reserved": RESERVED}, "it was read in another way"),
    ],
)
def test_it_names_what_differs_and_its_counts(found: dict[str, Any], expected: str) -> None:
    assert data_difference(RECORDED, found) == expected
