from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proxy_trainer.data.coco import load_split
from proxy_trainer.errors import DataAwayError, DataError
from tests.support.edge_case_coco import edge_case_annotations


def test_arrays_have_the_content_of_the_file(edge_case_coco: Path) -> None:
    split = load_split(edge_case_coco / "images", edge_case_coco / "annotations.json")
    document = edge_case_annotations()
    assert len(split) == 12
    assert list(split.image_ids) == [image["id"] for image in document["images"]]
    assert split.category_ids == (3, 17, 90)
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
        (_without("annotations", 2, "image_id"), r"annotations\[2\] \(id 515\) has no 'image_id'"),
        (_with("annotations", 2, "bbox", value=[1, 2, 3]), r"bbox \[1, 2, 3\], which must be four numbers"),
        (_with("annotations", 2, "bbox", value=[1, 2, 3, 4, 5]), "which must be four numbers"),
        (_with("annotations", 2, "bbox", value=[1, 2, 3, "4"]), "which must be four numbers"),
        (_with("annotations", 2, "bbox", value=[1, 2, 3, True]), "which must be four numbers"),
        (_with("annotations", 2, "bbox", value={"x": 1}), "which must be four numbers"),
        (
            _with("annotations", 2, "bbox", value=[1, 2, 3, float("nan")]),
            r"annotations\[2\] \(id 515\) .* not finite",
        ),
        (_with("annotations", 2, "bbox", value=[1, 2, 3, 10**400]), r"annotations\[2\] \(id 515\) .* too large"),
        (
            _with("annotations", 2, "category_id", value=4),
            r"\(id 515\) has category_id 4, which is not in 'categories'; add it there or remove its annotations$",
        ),
        (_with("annotations", 2, "image_id", value=1.5), r"image_id 1\.5, which must be an integer or a string"),
        (_with("annotations", 2, "image_id", value=float(2**53)), "which must be an integer or a string"),
        (_with("annotations", 2, "image_id", value=True), "image_id True, which must be an integer or a string"),
        (_with("annotations", 2, "image_id", value=None), "image_id None, which must be an integer or a string"),
        (_with("annotations", 2, "category_id", value=[1]), r"category_id \[1\], which must be an integer or a string"),
        (_with("annotations", 2, "iscrowd", value=2), r"\(id 515\) has iscrowd 2, which must be 0 or 1"),
        (_with("annotations", 2, value=7.5), r"annotations\[2\] is 7\.5, which must be an object"),
        (_with("annotations", 2, value=None), r"annotations\[2\] is None, which must be an object"),
        (_with("annotations", 2, value=True), r"annotations\[2\] is True, which must be an object"),
        (_with("annotations", 2, value=[0]), r"annotations\[2\] is \[0\], which must be an object"),
        (_with("images", 3, "id", value=12007), r"images\[3\].id 12007 is a duplicate; image ids must be unique"),
        (_with("images", 3, "id", value=12007.0), r"images\[3\].id 12007 is a duplicate; image ids must be unique"),
        (_with("images", 3, "id", value=True), r"images\[3\].id is True, which must be an integer or a string"),
        (_with("images", 3, "id", value=None), r"images\[3\].id is None, which must be an integer or a string"),
        (_without("images", 3, "id"), r"images\[3\] has no 'id'"),
        (_with("images", 3, value=1), r"images\[3\] is not an object, but 1"),
        (_with("images", 3, "file_name", value=""), r"images\[3\].file_name is '', which must be the name of a file"),
        (_with("images", 3, "file_name", value=7), r"images\[3\].file_name is 7, which must be the name of a file"),
        (_without("images", 3, "file_name"), r"images\[3\] has no 'file_name'"),
        (_with("categories", 1, "id", value=90), r"categories\[1\].id 90 is a duplicate; category ids must be unique"),
        (_with("categories", 1, "id", value=None), r"categories\[1\].id is None, which must be an integer or a string"),
        (_with("categories", 1, "name", value=5), r"categories\[1\].name is 5, which must be a string"),
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


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"not json", "Expecting value"),
        (b'{"images": [', "Expecting value"),
        (b'{"images": [],}', "double quotes"),
        (b'{"a": 1}\n{"a": 2}', r"Extra data: line 2 .*JSON lines"),
        (b"\x89PNG\r\n", r"byte 0 \(b'\\x89'\) is not UTF-8, .*iconv"),
        (b'{"a": "caf\xe9"}', r"byte 10 \(b'\\xe9'\) is not UTF-8, .* perhaps cp1252 .*iconv -f cp1252 -t utf-8"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_not_json_is_said_so(edge_case_coco: Path, content: bytes, why: str) -> None:
    file = edge_case_coco / "annotations.json"
    file.write_bytes(content)
    with pytest.raises(DataError, match=rf"annotations\.json is not a JSON file: .*{why}"):
        load_split(edge_case_coco / "images", file)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32-le"])
def test_any_unicode_encoding_is_read(edge_case_coco: Path, encoding: str) -> None:
    (edge_case_coco / "annotations.json").write_bytes(json.dumps(edge_case_annotations()).encode(encoding))
    assert len(load_split(edge_case_coco / "images", edge_case_coco / "annotations.json")) == 12


def test_missing_files_are_away(edge_case_coco: Path) -> None:
    with pytest.raises(DataAwayError, match=r"there is no annotation file .*other\.json"):
        load_split(edge_case_coco / "images", edge_case_coco / "other.json")
    with pytest.raises(DataAwayError, match=r"there is no images directory .*pictures"):
        load_split(edge_case_coco / "pictures", edge_case_coco / "annotations.json")
    with pytest.raises(DataError, match=r"the annotation file .*images is not a regular file"):
        load_split(edge_case_coco / "images", edge_case_coco / "images")


def test_a_named_pipe_is_not_opened(edge_case_coco: Path) -> None:
    os.mkfifo(edge_case_coco / "pipe.json")
    with pytest.raises(DataError, match=r"pipe\.json is not a regular file"):
        load_split(edge_case_coco / "images", edge_case_coco / "pipe.json")


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
