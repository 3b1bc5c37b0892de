from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from proxy_trainer.data.coco_directory import find_splits, load_dataset
from proxy_trainer.data.digits import make_digits
from proxy_trainer.errors import DataError, EmptyReservedSetError, EmptySplitError
from tests.support.edge_case_coco import edge_case_annotations


def _touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")


@pytest.mark.parametrize(
    ("files", "train", "val"),
    [
        (
            [
                "annotations/instances_train2017.json",
                "annotations/instances_val2017.json",
                "annotations/captions_train2017.json",
                "train2017/1.jpg",
                "val2017/1.jpg",
            ],
            ("train2017", "annotations/instances_train2017.json"),
            ("val2017", "annotations/instances_val2017.json"),
        ),
        (
            ["annotations/instances_train2017.json", "images/train2017/1.jpg"],
            ("images/train2017", "annotations/instances_train2017.json"),
            None,
        ),
        (
            ["annotations/instances_train.json", "annotations/instances_val.json", "images/1.jpg"],
            ("images", "annotations/instances_train.json"),
            ("images", "annotations/instances_val.json"),
        ),
        (
            ["annotations/train.json", "annotations/val.json", "train/1.jpg", "val/1.jpg"],
            ("train", "annotations/train.json"),
            ("val", "annotations/val.json"),
        ),
        (
            ["train/_annotations.coco.json", "train/1.jpg", "valid/_annotations.coco.json", "valid/1.jpg"],
            ("train", "train/_annotations.coco.json"),
            ("valid", "valid/_annotations.coco.json"),
        ),
        (["annotations.json", "images/1.jpg"], ("images", "annotations.json"), None),
        (["_annotations.coco.json", "1.jpg"], (".", "_annotations.coco.json"), None),
        (["annotations/instances_all.json", "images/1.jpg"], ("images", "annotations/instances_all.json"), None),
        (["annotations/instances_default.json", "1.png"], (".", "annotations/instances_default.json"), None),
        (["labels.json", "data.txt", "images/1.jpg"], ("images", "labels.json"), None),
    ],
)
def test_common_layouts(tmp_path: Path, files: list[str], train: tuple[str, str], val: tuple[str, str] | None) -> None:
    _touch(tmp_path, *files)
    found_train, found_val = find_splits(tmp_path)
    assert (found_train.images, found_train.annotations) == (tmp_path / train[0], tmp_path / train[1])
    if val is None:
        assert found_val is None
    else:
        assert found_val is not None
        assert (found_val.images, found_val.annotations) == (tmp_path / val[0], tmp_path / val[1])


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], r"has no COCO annotation file: expected annotations/instances_train\*\.json"),
        (["images/1.jpg"], "has no COCO annotation file"),
        (["annotations/instances_train.json"], r"has no images directory for instances_train\.json: expected"),
        (
            ["annotations/instances_train2014.json", "annotations/instances_train2017.json", "images/1.jpg"],
            r"more than one training file \(annotations/instances_train2014\.json, annotations/instances_train2017",
        ),
        (["a.json", "b.json", "images/1.jpg"], r"more than one annotation file \(a\.json, b\.json\)"),
    ],
)
def test_missing_or_ambiguous_files_are_refused(tmp_path: Path, files: list[str], message: str) -> None:
    _touch(tmp_path, *files)
    with pytest.raises(DataError, match=message):
        find_splits(tmp_path)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no data set directory .*nowhere"):
        find_splits(tmp_path / "nowhere")


def test_reserved_images_come_from_the_validation_split_or_from_training(tmp_path: Path) -> None:
    make_digits(tmp_path / "digits", train=20, val=9)

    def load(count: int, source: str, seed: int = 0) -> tuple[int, list[int]]:
        train, reserved = load_dataset(
            tmp_path / "digits",
            reserved_images=count,
            reserve_from=source,  # type: ignore[arg-type]
            seed=seed,
        )
        assert reserved.images_dir.name == ("val" if source == "val" else "train")
        assert source == "val" or not set(train.image_ids) & set(reserved.image_ids)
        return len(train), reserved.image_ids.tolist()

    assert load(50, "val") == (20, list(range(1, 10)))
    assert load(4, "val") == load(4, "val")
    assert load(4, "val") != load(4, "val", seed=1)
    assert load(3, "train")[0] == 17
    assert load(50, "train")[0] == 16, "never more than one in five"


def test_one_annotation_file_is_split(edge_case_coco: Path) -> None:
    train, reserved = load_dataset(edge_case_coco, reserved_images=250, reserve_from="val", seed=0)
    assert (len(train), len(reserved)) == (10, 2)


def _write(folder: Path, name: str, document: dict[str, Any]) -> None:
    (folder / "annotations").mkdir(exist_ok=True)
    (folder / "annotations" / name).write_text(json.dumps(document))


def test_categories_of_the_validation_split_may_be_fewer_but_not_others(edge_case_coco: Path) -> None:
    (edge_case_coco / "annotations.json").unlink()
    document = edge_case_annotations()
    _write(edge_case_coco, "instances_train.json", document)
    bars = [each for each in document["annotations"] if each["category_id"] == 90]
    fewer = {**document, "annotations": bars, "categories": [{"id": 90, "name": "bar"}]}
    _write(edge_case_coco, "instances_val.json", fewer)
    _, reserved = load_dataset(edge_case_coco, reserved_images=50, reserve_from="val", seed=0)
    assert reserved.category_ids.tolist() == [3, 17, 90]
    assert set(reserved.categories.tolist()) == {2}
    for name, known in (("rod", "there it is 'bar'"), ("bar", "there it is unknown")):
        number = 90 if name == "rod" else 91
        other = {**fewer, "annotations": [], "categories": [{"id": number, "name": name}]}
        _write(edge_case_coco, "instances_val.json", other)
        with pytest.raises(DataError, match=rf"a category {number} '{name}' that is not in .*: {known}"):
            load_dataset(edge_case_coco, reserved_images=50, reserve_from="val", seed=0)


def test_splits_without_images_or_boxes_are_refused(edge_case_coco: Path) -> None:
    document = edge_case_annotations()
    (edge_case_coco / "annotations.json").write_text(json.dumps({**document, "annotations": []}))
    with pytest.raises(EmptySplitError, match=r"training images of .*annotations\.json have no box to learn") as failed:
        load_dataset(edge_case_coco, reserved_images=2, reserve_from="val", seed=0)
    assert failed.value.kind == "empty-split"
    shutil.copytree(edge_case_coco, edge_case_coco.parent / "two")
    two = edge_case_coco.parent / "two"
    (two / "annotations.json").unlink()
    _write(two, "instances_train.json", document)
    _write(two, "instances_val.json", {**document, "annotations": []})
    with pytest.raises(EmptyReservedSetError, match=r"reserved images of .*instances_val\.json have no box to score"):
        load_dataset(two, reserved_images=2, reserve_from="val", seed=0)
    _write(two, "instances_val.json", {**document, "images": [], "annotations": []})
    with pytest.raises(EmptyReservedSetError, match=r"no images to reserve .*instances_val\.json: 'images' is empty"):
        load_dataset(two, reserved_images=2, reserve_from="val", seed=0)
    single = {**document, "images": document["images"][:1], "annotations": []}
    (edge_case_coco / "annotations.json").write_text(json.dumps(single))
    with pytest.raises(EmptyReservedSetError, match="has one image"):
        load_dataset(edge_case_coco, reserved_images=2, reserve_from="val", seed=0)
