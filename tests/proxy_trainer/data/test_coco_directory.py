from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from proxy_trainer.data.coco_directory import load_dataset
from proxy_trainer.data.digits import make_digits
from proxy_trainer.errors import DataError, EmptyReservedSetError, EmptySplitError
from tests.support.edge_case_coco import edge_case_annotations


def test_reserved_images_come_from_the_validation_split_or_from_training(tmp_path: Path) -> None:
    make_digits(tmp_path / "digits", train=20, val=9)

    def load(count: int, source: str, seed: int = 0) -> tuple[int, list[int | str]]:
        train, reserved = load_dataset(
            tmp_path / "digits",
            reserved_images=count,
            reserve_from=source,  # type: ignore[arg-type]
            seed=seed,
        )
        assert reserved.images_dir.name == ("val" if source == "val" else "train")
        assert source == "val" or not set(train.image_ids) & set(reserved.image_ids)
        return len(train), list(reserved.image_ids)

    assert load(50, "val") == (20, list(range(1, 10)))
    assert load(4, "val") == load(4, "val")
    assert load(4, "val") != load(4, "val", seed=1)
    assert load(3, "train")[0] == 17
    assert load(50, "train")[0] == 16, "never more than one in five"


def test_one_annotation_file_is_enough(edge_case_coco: Path) -> None:
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
    assert reserved.category_ids == (3, 17, 90)
    assert set(reserved.categories.tolist()) == {2}
    renumbered = {**fewer, "annotations": [{**bars[0], "category_id": 91}], "categories": [{"id": 91, "name": "bar"}]}
    _write(edge_case_coco, "instances_val.json", renumbered)
    _, reserved = load_dataset(edge_case_coco, reserved_images=50, reserve_from="val", seed=0)
    assert reserved.categories.tolist() == [2]
    assert reserved.findings[-1].kind == "category-ids-differ"
    assert reserved.findings[-1].examples == ("'bar' is 91 and 90",)
    other = {**fewer, "annotations": [], "categories": [{"id": 90, "name": "rod"}]}
    _write(edge_case_coco, "instances_val.json", other)
    with pytest.raises(
        DataError, match=r"instances_val\.json has 1 category not in .*_train\.json, such as 'rod'; both"
    ):
        load_dataset(edge_case_coco, reserved_images=50, reserve_from="val", seed=0)


def test_nothing_to_learn_or_to_score_is_said(edge_case_coco: Path) -> None:
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
