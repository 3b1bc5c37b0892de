"""Outlines of COCO objects: polygons and run-length encodings, their boxes, and bad ones that are named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as rle

from proxy_trainer.data.coco import load_split
from proxy_trainer.data.instance_masks import MASK_PX, InstanceMasks, load_instance_masks
from proxy_trainer.errors import DataError

SQUARE = [10, 4, 30, 4, 30, 16, 10, 16]
"""Columns 10 to 29 and rows 4 to 15."""


def masks_of(directory: Path, *segmentations: Any, name: str = "cat", **fields: Any) -> InstanceMasks:
    """The masks of one picture of 48x32 pixels with these segmentations, all of category 7."""
    directory.mkdir(exist_ok=True)
    Image.new("RGB", (48, 32)).save(directory / "a.jpg")
    annotations = [
        {
            "id": number + 1, "image_id": 1, "category_id": 7, "bbox": [10, 4, 20, 12], "area": 1, "iscrowd": 0,
            **({} if found is None else {"segmentation": found}), **fields,
        }
        for number, found in enumerate(segmentations)
    ]  # fmt: skip
    document = {
        "images": [{"id": 1, "file_name": "a.jpg", "height": 32, "width": 48}],
        "categories": [{"id": 7, "name": name}],
        "annotations": annotations,
    }
    (directory / "annotations.json").write_text(json.dumps(document))
    return load_instance_masks(load_split(directory, directory / "annotations.json"))


def test_polygons_and_encodings_are_the_same_mask(tmp_path: Path) -> None:
    mask = np.zeros((32, 48), np.uint8, order="F")
    mask[4:16, 10:30] = 1
    encoded = rle.encode(mask)
    compressed = {"size": [32, 48], "counts": encoded["counts"].decode()}
    flat = np.flatnonzero(np.diff(np.concatenate([[0], mask.ravel(order="F"), [0]])))
    plain = {"size": [32, 48], "counts": np.diff(np.concatenate([[0], flat, [mask.size]])).tolist()}
    found = masks_of(tmp_path, [SQUARE], compressed, plain, SQUARE)
    assert found.areas.tolist() == [240.0] * 4
    np.testing.assert_array_equal(found.boxes, [[4, 10, 16, 30]] * 4)
    assert found.categories.tolist() == [0] * 4
    for each in found.encoded:
        np.testing.assert_array_equal(rle.decode(each), mask)
    assert found.of_image(0).tolist() == [0, 1, 2, 3]


def test_a_mask_in_its_box(tmp_path: Path) -> None:
    # A triangle that fills the lower left half of its box.
    found = masks_of(tmp_path, [[0, 0, 0, 32, 48, 32]])
    crop = found.cropped(0)
    assert crop.shape == (MASK_PX, MASK_PX)
    rows, columns = np.mgrid[:MASK_PX, :MASK_PX]
    inside = columns < rows - 3
    outside = columns > rows + 3
    assert crop[inside].min() > 0.9
    assert crop[outside].max() < 0.1


def test_crowds_are_not_learned_from(tmp_path: Path) -> None:
    found = masks_of(tmp_path, [SQUARE], iscrowd=1)
    assert found.crowd.tolist() == [True]
    assert found.of_image(0).tolist() == []


@pytest.mark.parametrize(
    "fields",
    [{"image_id": "1"}, {"category_id": "7"}, {"image_id": 1.0}, {"name": " cat "}, {"name": " "}],
    ids=["image id as text", "category id as text", "float", "spaces around a name", "empty name"],
)
def test_objects_that_detection_keeps_are_kept(tmp_path: Path, fields: dict[str, Any]) -> None:
    found = masks_of(tmp_path, [SQUARE], [SQUARE], **fields)
    assert (found.images.tolist(), found.categories.tolist()) == ([0, 0], [0, 0])


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        (None, r"annotations\[1\] has no segmentation; Mask R-CNN needs the outline of every object"),
        ([], r"annotations\[1\] has no segmentation"),
        (
            {"size": [8, 8], "counts": [0, 64]},
            r"annotations\[1\] has a mask of size \[8, 8\]; its picture has \[32, 48\]",
        ),
        ({"size": [32, 48]}, r"annotations\[1\] has the segmentation .*, which is no outline"),
        ([["a", "b"]], r"annotations\[1\] has the segmentation .*, which is no outline"),
        ([[1, 2, 3, 4]], r"annotations\[1\] has the segmentation .*, which is no outline"),
        ({"size": [32, 48], "counts": [5, 10**9]}, r"annotations\[1\] has the segmentation .*, which is no outline"),
        (7, r"annotations\[1\] has the segmentation 7, which is no outline"),
    ],
)
def test_bad_outlines_are_named(tmp_path: Path, segmentation: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        masks_of(tmp_path, [SQUARE], segmentation)
