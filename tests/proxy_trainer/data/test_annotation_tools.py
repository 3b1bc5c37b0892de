"""What annotation tools write, one kind each, and how it is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.data.coco_directory import find_splits, load_dataset
from proxy_trainer.data.images import read_image
from proxy_trainer.errors import DataAwayError, DataError
from tests.support.annotation_tools import CASES

FIRST, SECOND = (0, 1.0, 2.0, 10.0, 12.0, 120.0, False), (1, 5.0, 5.0, 10.0, 10.0, 100.0, False)
"""The boxes of the plain document: image, x, y, width, height, area, crowd."""


@dataclass(frozen=True)
class Right:
    """What a case is read as: names, ids, (width, height), boxes, classes, and the counts of its findings."""

    names: tuple[str, ...] = ("a.jpg", "b.jpg")
    ids: tuple[int | str, ...] = (1, 2)
    sizes: tuple[tuple[int, int], ...] = ((40, 30), (40, 30))
    boxes: tuple[tuple[float, ...], ...] = (FIRST, SECOND)
    classes: tuple[str, ...] = ("x",)
    images_dir: str = "images"
    findings: dict[str, int] = field(default_factory=dict)


ACCEPTED = {
    "annotation-id-is-text": Right(),
    "annotation-without-image": Right(boxes=(FIRST,), findings={"annotation-without-image": 1}),
    "apple-double": Right(),
    "area-negative": Right(findings={"area-invalid": 2}),
    "area-null": Right(),
    "box-empty": Right(boxes=(SECOND,), findings={"annotation-without-box": 1}),
    "box-from-polygon": Right(findings={"box-from-outline": 1}),
    "boxes-as-corners": Right(
        boxes=((0, 20, 15, 39, 29, 120, False), (1, 10, 8, 38, 28, 100, False)),
    ),
    "boxes-as-fractions": Right(
        boxes=((0, 0.1, 0.1, 0.2, 0.2, 120, False), (1, 0.2, 0.3, 0.4, 0.4, 100, False)),
        findings={"area-larger-than-box": 2},
    ),
    "category-twice": Right(findings={"category-twice": 1}),
    "category-with-escape": Right(classes=("\x1b[31mred",)),
    "crowd-null": Right(),
    "fiftyone-layout": Right(images_dir="data"),
    "image-ids-above-two-to-53": Right(ids=(9007199254740992, 9007199254740993)),
    "image-ids-are-text": Right(ids=("img-1", "img-2")),
    "names-in-another-case": Right(findings={"name-case": 1}),
    "names-out-of-the-folder": Right(findings={"name-last-part": 1}),
    "names-quoted": Right(names=("a b.jpg", "b.jpg"), findings={"name-unquoted": 1}),
    "names-with-backslashes": Right(),
    "names-with-the-folder": Right(),
    "one-file-twice": Right(names=("a.jpg", "a.jpg")),
    "png-of-16-bits": Right(names=("a.png", "b.jpg")),
    "root-category": Right(findings={"root-category": 1}),
    "sizes-missing": Right(findings={"size-from-file": 2}),
    "splits-with-capitals": Right(images_dir="Train"),
    "splits-with-other-category-ids": Right(classes=("a", "b"), images_dir="train"),
    "turned-with-upright-sizes": Right(sizes=((30, 40), (40, 30))),
    "upside-down": Right(),
    "val-is-train": Right(images_dir="train"),
}

REFUSED = {
    "annotations-are-numbers": r"annotations\.json: annotations\[0\] is 5, which must be an object$",
    "encoding-cp1252": r"annotations\.json is not a JSON file: byte \d+ \(b'\\xe9'\) is not UTF-8, .* perhaps cp1252",
    "no-image-there": r"none of the 2 images of .*annotations\.json is in .*images$",
}


def test_every_case_has_its_right_reading() -> None:
    assert ACCEPTED.keys() | REFUSED.keys() == CASES.keys()
    assert len(CASES) == 32


def _boxes(split: CocoSplit) -> tuple[tuple[float, ...], ...]:
    columns = (split.box_images, *split.boxes.T, split.areas, split.crowd)
    return tuple(zip(*(column.tolist() for column in columns), strict=True))


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(tmp_path: Path, name: str) -> None:
    CASES[name](tmp_path)
    right = ACCEPTED[name]
    files, _ = find_splits(tmp_path)
    split = files.load()
    assert files.images == tmp_path / right.images_dir
    assert split.file_names == right.names
    assert split.image_ids == right.ids
    assert split.image_ranks.tolist() == [0, 1]
    assert tuple(map(tuple, split.sizes[:, ::-1].tolist())) == right.sizes
    assert _boxes(split) == right.boxes
    assert split.category_names == right.classes
    assert {finding.kind: finding.count for finding in split.findings} == right.findings
    for finding in split.findings:
        assert finding.message.startswith(f"{files.annotations.name}: {finding.count} ")
        assert len(finding.examples) == min(finding.count, 3)
    for index in range(len(split)):
        assert read_image(split, index).shape == (*split.sizes[index], 3)


@pytest.mark.parametrize("name", REFUSED)
def test_refused(tmp_path: Path, name: str) -> None:
    CASES[name](tmp_path)
    with pytest.raises(DataError, match=REFUSED[name]) as caught:
        find_splits(tmp_path)[0].load()
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, DataAwayError) == (name == "no-image-there")


@pytest.mark.parametrize("name", ["splits-with-capitals", "splits-with-other-category-ids", "val-is-train"])
def test_both_splits_are_found(tmp_path: Path, name: str) -> None:
    CASES[name](tmp_path)
    train, reserved = load_dataset(tmp_path, reserved_images=2, reserve_from="val", seed=0)
    assert (len(train), len(reserved)) == (2, 2)
    assert reserved.images_dir.name.lower().startswith("val")
    assert reserved.category_names == train.category_names


def test_categories_of_the_other_split_are_matched_by_name(tmp_path: Path) -> None:
    CASES["splits-with-other-category-ids"](tmp_path)
    train, reserved = load_dataset(tmp_path, reserved_images=2, reserve_from="val", seed=0)
    assert train.category_names == reserved.category_names == ("a", "b")
    assert train.categories.tolist() == [0, 0]
    assert reserved.categories.tolist() == [1, 1], "id 1 is 'b' there"
    assert reserved.category_ids == (1, 2)
    assert [(finding.kind, finding.count) for finding in reserved.findings] == [("category-ids-differ", 2)]


def test_twelve_bits_of_sixteen_fill_the_range(tmp_path: Path) -> None:
    CASES["png-of-16-bits"](tmp_path)
    split = find_splits(tmp_path)[0].load()
    with Image.open(tmp_path / "images" / "a.png") as image:
        values = np.asarray(image).astype(int)
    assert values.max() > 4000
    assert (read_image(split, 0) == (values >> 4)[..., None]).all()


def test_a_picture_stored_sideways_is_turned_where_the_sizes_are_upright(tmp_path: Path) -> None:
    CASES["turned-with-upright-sizes"](tmp_path)
    split = find_splits(tmp_path)[0].load()
    with Image.open(tmp_path / "images" / "a.jpg") as image:
        stored = np.asarray(image.convert("RGB"))
    # Orientation 6: the first row of what is stored is the last column of the picture, from the top down.
    assert (read_image(split, 0)[:, -1] == stored[0]).all()
    assert (read_image(split, 0)[0, :] == stored[::-1, 0]).all()


def test_a_picture_stored_upside_down_is_taken_as_stored(tmp_path: Path) -> None:
    CASES["upside-down"](tmp_path)
    split = find_splits(tmp_path)[0].load()
    with Image.open(tmp_path / "images" / "a.jpg") as image:
        assert (read_image(split, 0) == np.asarray(image.convert("RGB"))).all()
