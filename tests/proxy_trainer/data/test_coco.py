from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proxy_trainer.data.coco import load_split
from proxy_trainer.errors import DataError
from tests.support.edge_case_coco import edge_case_annotations


def test_arrays_have_the_content_of_the_file(edge_case_coco: Path) -> None:
    split = load_split(edge_case_coco / "images", edge_case_coco / "annotations.json")
    document = edge_case_annotations()
    assert len(split) == 12
    assert split.image_ids.tolist() == [image["id"] for image in document["images"]]
    assert split.category_ids.tolist() == [3, 17, 90]
    assert split.category_names == ("square", "disc", "bar")
    assert split.sizes[1].tolist() == [240, 61]
    assert split.path(8) == edge_case_coco / "images" / "folder" / "crowd.jpg"
    assert (np.diff(split.box_images) >= 0).all()
    assert len(split.boxes) == len(document["annotations"])
    found = {
        (split.image_ids[image], split.category_ids[category], tuple(box), area, bool(crowd))
        for image, category, box, area, crowd in zip(
            split.box_images, split.categories, split.boxes.tolist(), split.areas, split.crowd, strict=True
        )
    }
    assert found == {
        (
            each["image_id"],
            each["category_id"],
            tuple(map(float, each["bbox"])),
            each["area"],
            bool(each["iscrowd"]),
        )
        for each in document["annotations"]
    }


def test_boxes_of_an_image_have_the_order_of_the_file(edge_case_coco: Path) -> None:
    split = load_split(edge_case_coco / "images", edge_case_coco / "annotations.json")
    first = split.boxes[split.box_images == 0]
    assert first[:, 0].tolist() == [110, 20]


def test_training_boxes_exclude_crowds_and_boxes_outside_the_image(edge_case_coco: Path) -> None:
    split = load_split(edge_case_coco / "images", edge_case_coco / "annotations.json")
    training = split.training_boxes
    assert len(split.boxes) == 18
    assert len(training.images) == 15
    assert (training.clipped, training.dropped) == (1, 2)
    edge = training.corners[training.images == 10]
    assert edge.tolist() == [[0, 30, 25, 70]]
    assert 64 not in training.corners[training.images == 8][:, 1]


def _with(*path: Any, value: Any) -> Callable[[dict[str, Any]], Any]:
    def change(document: dict[str, Any]) -> Any:
        place: Any = document
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        return document

    return change


def _without(*path: Any) -> Callable[[dict[str, Any]], Any]:
    def change(document: dict[str, Any]) -> Any:
        place: Any = document
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]
        return document

    return change


CAPTIONS = {
    "images": [{"id": 1, "file_name": "a.jpg", "width": 10, "height": 10}],
    "annotations": [{"id": 5, "image_id": 1, "caption": "a dog"}],
    "categories": [{"id": 1, "name": "dog"}],
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda document: [document],
            r"holds a list at its top level; COCO detection annotations are one JSON object",
        ),
        (lambda document: 5, "holds a single value at its top level"),
        (_without("images"), "has no 'images'"),
        (_without("annotations"), "has no 'annotations'"),
        (_without("categories"), "has no 'categories'"),
        (_with("annotations", value={}), "'annotations' is not a list"),
        (_with("images", value=[]), "'images' is empty"),
        (_with("categories", value=[]), "'categories' is empty"),
        (lambda document: CAPTIONS, r"annotations\[0\] \(id 5\) has no 'category_id'"),
        (
            _without("annotations", 2, "bbox"),
            r"annotations\[2\] \(id 515\) has no 'bbox' \[x, y, width, height\]",
        ),
        (_without("annotations", 2, "image_id"), r"annotations\[2\] \(id 515\) has no 'image_id'"),
        (_with("annotations", 2, "bbox", value=[1, 2, 3]), r"bbox \[1, 2, 3\], which must be four numbers"),
        (_with("annotations", 2, "bbox", value=[1, 2, 3, "4"]), "which must be four numbers"),
        (
            _with("annotations", 2, "bbox", value=[1, 2, 3, float("nan")]),
            r"annotations\[2\] \(id 515\) .* not a finite",
        ),
        (
            _with("annotations", 2, "bbox", value=[1, 2, 3, 10**400]),
            r"annotations\[2\] \(id 515\) .* beyond 64 bits",
        ),
        (
            _with("annotations", 2, "image_id", value=4),
            r"\(id 515\) has image_id 4, which is not in 'images'",
        ),
        (
            _with("annotations", 2, "category_id", value=4),
            r"\(id 515\) has category_id 4, which is not in 'categories'",
        ),
        (_with("annotations", 2, "image_id", value="x"), r"image_id 'x', which must be an integer"),
        (_with("annotations", 2, "image_id", value=2**70), r"annotations\[2\] \(id 515\) .* beyond 64 bits"),
        (_with("annotations", 2, "iscrowd", value=2), r"\(id 515\) has iscrowd 2, which must be 0 or 1"),
        (_with("annotations", 2, "area", value="big"), r"\(id 515\) has area 'big', which must be a number"),
        (_with("annotations", 2, value=7.5), r"annotations\[2\] is not an object"),
        (_with("images", 3, "id", value=12007), r"images\[3\].id 12007 is a duplicate"),
        (_with("images", 3, "id", value=True), r"images\[3\].id is True, which must be an integer"),
        (_with("images", 3, value=1), r"images\[3\] is not an object"),
        (_without("images", 3, "width"), r"images\[3\] has no 'width'"),
        (_with("images", 3, "width", value=0), r"images\[3\] is 0x90 pixels"),
        (
            _with("images", 3, "file_name", value="../../secret.jpg"),
            r"images\[3\].file_name '../../secret.jpg' leaves",
        ),
        (_with("images", 3, "file_name", value="a/../../b.jpg"), "leaves the images directory"),
        (_with("images", 3, "file_name", value="..\\b.jpg"), "leaves the images directory"),
        (_with("images", 3, "file_name", value="/etc/passwd"), "leaves the images directory"),
        (_with("images", 3, "file_name", value=""), "leaves the images directory"),
        (_with("images", 3, "file_name", value="a\0b.jpg"), "leaves the images directory"),
        (_with("categories", 1, "id", value=90), r"categories\[1\].id 90 is a duplicate"),
        (_without("categories", 1, "name"), r"categories\[1\] has no 'name'"),
    ],
)
def test_an_invalid_file_gives_a_one_line_error_with_its_path(
    edge_case_coco: Path, change: Callable[[dict[str, Any]], Any], message: str
) -> None:
    file = edge_case_coco / "annotations.json"
    file.write_text(json.dumps(change(edge_case_annotations())))
    with pytest.raises(DataError, match=message) as caught:
        load_split(edge_case_coco / "images", file)
    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"not json", b'{"images": [', b"\x89PNG\r\n", b"[" * 100_000])
def test_a_file_that_is_not_json_is_refused(edge_case_coco: Path, content: bytes) -> None:
    file = edge_case_coco / "annotations.json"
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"annotations\.json is not a JSON file: "):
        load_split(edge_case_coco / "images", file)


def test_missing_files_are_named(edge_case_coco: Path) -> None:
    with pytest.raises(DataError, match=r"there is no annotation file .*other\.json"):
        load_split(edge_case_coco / "images", edge_case_coco / "other.json")
    with pytest.raises(DataError, match=r"there is no images directory .*pictures"):
        load_split(edge_case_coco / "pictures", edge_case_coco / "annotations.json")
    with pytest.raises(DataError, match=r"cannot read the annotation file .*images: "):
        load_split(edge_case_coco / "images", edge_case_coco / "images")


def test_a_file_name_may_contain_dots_and_folders(edge_case_coco: Path) -> None:
    document = edge_case_annotations()
    document["images"][0]["file_name"] = "a/../..b/wide.jpg"
    (edge_case_coco / "annotations.json").write_text(json.dumps(document))
    assert (
        load_split(edge_case_coco / "images", edge_case_coco / "annotations.json").file_names[0] == "a/../..b/wide.jpg"
    )


def test_optional_fields_have_defaults_and_a_byte_order_mark_is_skipped(edge_case_coco: Path) -> None:
    document = edge_case_annotations()
    for annotation in document["annotations"]:
        del annotation["area"], annotation["iscrowd"], annotation["id"], annotation["segmentation"]
    (edge_case_coco / "annotations.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(document).encode())
    split = load_split(edge_case_coco / "images", edge_case_coco / "annotations.json")
    assert not split.crowd.any()
    assert split.areas.tolist() == split.boxes[:, 2:].prod(axis=1).tolist()


def test_a_split_without_any_annotation_is_read(edge_case_coco: Path) -> None:
    (edge_case_coco / "annotations.json").write_text(json.dumps({**edge_case_annotations(), "annotations": []}))
    split = load_split(edge_case_coco / "images", edge_case_coco / "annotations.json")
    assert len(split) == 12
    assert split.boxes.shape == (0, 4)
    assert split.training_boxes.corners.shape == (0, 4)
