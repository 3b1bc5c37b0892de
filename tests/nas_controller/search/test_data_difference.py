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
            "other reserved annotations (90 reserved boxes instead of 92)",
        ),
        ({"train": TRAIN | {"images_sha256": "x"}, "reserved": RESERVED}, "other training images"),
        (
            {"train": TRAIN | {"annotations_sha256": "x"}, "reserved": RESERVED | {"images": 39, "images_sha256": "x"}},
            "other training annotations and reserved images (39 reserved images instead of 40)",
        ),
        ({"train": TRAIN, "reserved": RESERVED}, "other data"),
        ({}, "other training annotations and training images and reserved annotations and reserved images (None "
         "training images instead of 200, None training boxes instead of 512, None reserved images instead of 40, "
         "None reserved boxes instead of 92)"),
    ],
)  # fmt: skip
def test_it_names_what_differs_and_its_counts(found: dict[str, Any], expected: str) -> None:
    assert data_difference(RECORDED, found) == expected
