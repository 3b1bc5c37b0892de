from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proxy_trainer.data.identifiers import id_ranks
from proxy_trainer.data.images import read_image
from proxy_trainer.errors import DataError
from tests.support.edge_case_coco import changed_annotation, edge_case_annotations, finding_counts, load_annotations


def _with_ids(images: Callable[[int], Any], categories: Callable[[int], Any]) -> dict[str, Any]:
    document = edge_case_annotations()
    for image in document["images"]:
        image["id"] = images(image["id"])
    for category in document["categories"]:
        category["id"] = categories(category["id"])
    for annotation in document["annotations"]:
        annotation["image_id"] = images(annotation["image_id"])
        annotation["category_id"] = categories(annotation["category_id"])
    return document


@pytest.mark.parametrize(
    "form",
    [
        lambda number: number + 2**53,
        lambda number: number + 2**63,
        lambda number: number + 2**64,
        lambda number: number - 9007,
        lambda number: float(number),
        lambda number: f"{number:06d}",
        lambda number: f"id {number:06d}",
    ],
    ids=["2**53", "2**63", "2**64", "negative", "float", "digits", "text"],
)
def test_ids_of_any_kind_name_the_same_boxes(edge_case_coco: Path, form: Callable[[int], Any]) -> None:
    plain = load_annotations(edge_case_coco, edge_case_annotations())
    split = load_annotations(edge_case_coco, _with_ids(form, form))
    assert split.image_ids == tuple(form(number) for number in plain.image_ids)
    assert split.category_names == plain.category_names
    assert split.image_ranks.tolist() == plain.image_ranks.tolist() == list(range(12))[::-1]
    for name in ("box_images", "boxes", "categories", "areas", "crowd"):
        assert (getattr(split, name) == getattr(plain, name)).all(), name
    assert finding_counts(split) == {"box-without-area": 1}


def test_numbers_come_before_texts_in_the_order_of_ids() -> None:
    assert id_ranks(["b", 10, "a", -3, 2**64]).tolist() == [4, 1, 3, 0, 2]


def test_an_id_that_is_a_string_here_and_a_number_there_is_matched_with_a_warning(
    edge_case_coco: Path,
) -> None:
    document = edge_case_annotations()
    for annotation in document["annotations"]:
        annotation["image_id"] = str(annotation["image_id"])
    split = load_annotations(edge_case_coco, document)
    assert split.boxes.tolist() == load_annotations(edge_case_coco, edge_case_annotations()).boxes.tolist()
    assert finding_counts(split)["id-type"] == 18
    document["images"][0]["id"] = str(document["images"][1]["id"])
    assert finding_counts(load_annotations(edge_case_coco, document))["annotation-without-image"] == 2


@pytest.mark.parametrize("number", [4, "no such image", 2**70, -1])
def test_annotations_of_unlisted_images_are_left_out_and_counted(edge_case_coco: Path, number: Any) -> None:
    split = load_annotations(edge_case_coco, changed_annotation(2, image_id=number))
    assert len(split.boxes) == 17
    finding = next(finding for finding in split.findings if finding.kind == "annotation-without-image")
    assert finding.message == "annotations.json: 1 annotation of images that are not in 'images', left out"
    assert finding.examples == ("annotations[2] (id 515)",)


def test_ids_of_annotations_are_names_only(edge_case_coco: Path) -> None:
    document = edge_case_annotations()
    for annotation, number in zip(document["annotations"], ["a", "a", 3, 3, 3, None, 1.5, 2**70, [1]], strict=False):
        annotation["id"] = number
    split = load_annotations(edge_case_coco, document)
    assert len(split.boxes) == 18
    assert finding_counts(split)["annotation-id-twice"] == 3


@pytest.mark.parametrize("section", ["images", "categories"])
def test_an_entry_with_the_fields_of_an_annotation_is_still_an_entry(edge_case_coco: Path, section: str) -> None:
    document = edge_case_annotations()
    document[section][0].update(image_id=5, category_id=6, bbox=[1, 2, 3, 4])
    assert (
        load_annotations(edge_case_coco, document).boxes.tolist()
        == load_annotations(edge_case_coco, edge_case_annotations()).boxes.tolist()
    )


@pytest.mark.parametrize("size", [..., None, -1, 0, "200", 200.5, True, 2**40])
def test_a_size_that_is_not_stated_is_that_of_the_file(edge_case_coco: Path, size: Any) -> None:
    document = edge_case_annotations()
    document["images"][0]["width"] = size
    if size is ...:
        del document["images"][0]["width"]
    split = load_annotations(edge_case_coco, document)
    assert split.sizes[0].tolist() == [133, 200]
    assert finding_counts(split)["size-from-file"] == 1
    assert read_image(split, 0).shape == (133, 200, 3)


def test_a_size_that_is_nowhere_is_an_error(edge_case_coco: Path) -> None:
    document = edge_case_annotations()
    del document["images"][1]["height"]
    (edge_case_coco / "images" / "tall.jpg").unlink()
    with pytest.raises(DataError, match=r"images\[1\] has no width and height, and .*tall\.jpg: there is no such file"):
        load_annotations(edge_case_coco, document)


def test_categories_with_one_name_are_one_class_under_the_first_id(edge_case_coco: Path) -> None:
    document = edge_case_annotations()
    document["categories"].append({"id": 5, "name": "disc"})
    document["annotations"][0]["category_id"] = 5
    split = load_annotations(edge_case_coco, document)
    assert (split.category_ids, split.category_names) == ((3, 5, 90), ("square", "disc", "bar"))
    counts = np.bincount(split.categories)
    assert counts.sum() == 18
    assert counts[1] == sum(each["category_id"] in (5, 17) for each in document["annotations"])
    finding = next(finding for finding in split.findings if finding.kind == "category-twice")
    assert finding.examples == ("'disc' (id 17 as 5)",)


@pytest.mark.parametrize(
    ("root", "children", "boxes", "is_root"),
    [
        ({"id": 0, "supercategory": "none"}, "shapes", False, True),
        ({"id": 0}, "shapes", False, True),
        ({"id": 1, "supercategory": "none"}, "shapes", False, False),
        ({"id": 0, "supercategory": "all"}, "shapes", False, False),
        ({"id": 0, "supercategory": "none"}, "others", False, False),
        ({"id": 0, "supercategory": "none"}, "shapes", True, False),
    ],
)
def test_a_root_category_is_no_class(
    edge_case_coco: Path, root: dict[str, Any], children: str, boxes: bool, is_root: bool
) -> None:
    document = edge_case_annotations()
    for category in document["categories"]:
        category["supercategory"] = children
    document["categories"].append({"name": "shapes", **root})
    if boxes:
        document["annotations"][0]["category_id"] = root["id"]
    split = load_annotations(edge_case_coco, document)
    assert ("shapes" in split.category_names) is not is_root
    assert ("root-category" in finding_counts(split)) is is_root
    assert len(split.boxes) == 18


def test_names_of_categories_that_look_alike_are_counted_and_kept(edge_case_coco: Path) -> None:
    document = edge_case_annotations()
    document["categories"] += [{"id": 100, "name": " Disc"}, {"id": 101, "name": ""}, {"id": 102, "name": "y" * 10_000}]
    split = load_annotations(edge_case_coco, document)
    assert split.category_names == ("square", "disc", "bar", " Disc", "", "y" * 10_000)
    assert finding_counts(split) == {"box-without-area": 1, "category-names-alike": 1, "category-without-name": 1}
