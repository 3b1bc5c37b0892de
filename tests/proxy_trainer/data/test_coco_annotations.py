from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from proxy_trainer.data.coco import load_split
from tests.support.edge_case_coco import changed_annotation, edge_case_annotations, finding_counts, load_annotations


@pytest.mark.parametrize(
    ("stated", "used", "counts"),
    [
        (120, 120, {}),
        (None, 750, {}),
        (-5, 750, {"area-invalid": 1}),
        (0, 750, {"area-invalid": 1}),
        (1.1e10, 750, {"area-invalid": 1}),
        (10**400, 750, {"area-invalid": 1}),
        (float("nan"), 750, {"area-invalid": 1}),
        (float("inf"), 750, {"area-invalid": 1}),
        ("120", 750, {"area-invalid": 1}),
        (True, 750, {"area-invalid": 1}),
        (900, 900, {"area-larger-than-box": 1}),
        (800, 800, {}),
    ],
)
def test_areas(edge_case_coco: Path, stated: Any, used: float, counts: dict[str, int]) -> None:
    split = load_annotations(edge_case_coco, changed_annotation(0, bbox=[1, 2, 25, 30], area=stated))
    assert split.areas[(split.boxes == [1, 2, 25, 30]).all(axis=1)].tolist() == [used]
    assert finding_counts(split) == {"box-without-area": 1, **counts}


@pytest.mark.parametrize(
    ("box", "used", "counts"),
    [
        ([30, 40, -10, -20], [20, 20, 10, 20], {"box-inverted": 1}),
        ([30, 40, 10, -20], [30, 20, 10, 20], {"box-inverted": 1}),
        ([30, 40, 0, 20], [30, 40, 0, 20], {"box-without-area": 2}),
    ],
)
def test_boxes_that_are_odd_are_kept_and_counted(
    edge_case_coco: Path, box: list[float], used: list[float], counts: dict[str, int]
) -> None:
    split = load_annotations(edge_case_coco, changed_annotation(0, bbox=box, area=None))
    assert (split.boxes == used).all(axis=1).sum() == 1
    assert finding_counts(split) == {"box-without-area": 1, **counts}


@pytest.mark.parametrize(("crowd", "count"), [(1.0, 2), (True, 2), ("1", 2), (0.0, 1), (False, 1), ("0", 1), (None, 1)])
def test_crowd_in_any_form(edge_case_coco: Path, crowd: Any, count: int) -> None:
    assert load_annotations(edge_case_coco, changed_annotation(0, iscrowd=crowd)).crowd.sum() == count


RLE_LIST = {"size": [112, 128], "counts": [5 * 112 + 3, 20, 112 - 20, 20, 122 * 112 - 23]}


@pytest.mark.parametrize(
    ("outline", "box"),
    [
        ([[1, 2, 11, 2, 11, 14, 1, 14]], [1, 2, 10, 12]),
        ([[1, 2, 4, 2, 4, 5], [9, 7, 11, 14, 10, 7]], [1, 2, 10, 12]),
        ([1, 2, 11, 2, 11, 14, 1, 14], [1, 2, 10, 12]),
        (RLE_LIST, [5, 3, 2, 20]),
    ],
)
@pytest.mark.parametrize("stated", [..., None, []])
def test_a_missing_box_is_that_of_the_outline(edge_case_coco: Path, outline: Any, box: list[int], stated: Any) -> None:
    document = changed_annotation(0, segmentation=outline, bbox=stated, area=None)
    if stated is ...:
        del document["annotations"][0]["bbox"]
    split = load_annotations(edge_case_coco, document)
    assert (split.boxes == box).all(axis=1).sum() == 1
    assert finding_counts(split)["box-from-outline"] == 1


@pytest.mark.parametrize("outline", [..., None, [], [[1, 2, 3, 4]], [["a"] * 6], {"size": [1], "counts": "x"}, 5])
def test_an_annotation_without_a_box_is_left_out(edge_case_coco: Path, outline: Any) -> None:
    document = changed_annotation(0, segmentation=outline, bbox=None)
    if outline is ...:
        del document["annotations"][0]["segmentation"]
    split = load_annotations(edge_case_coco, document)
    assert len(split.boxes) == 17
    assert finding_counts(split)["annotation-without-box"] == 1


def test_reading_takes_a_few_times_what_parsing_takes(edge_case_coco: Path) -> None:
    document = edge_case_annotations()
    outline = [[round(7.25 + 3.5 * step, 2) for step in range(24)]]
    document["annotations"] = [
        {**document["annotations"][index % 18], "id": index, "segmentation": outline} for index in range(20_000)
    ]
    text = json.dumps(document)
    (edge_case_coco / "annotations.json").write_text(text)
    start = time.process_time()
    json.loads(text)
    bare = time.process_time() - start
    start = time.process_time()
    split = load_split(edge_case_coco / "images", edge_case_coco / "annotations.json")
    assert len(split.boxes) == 20_000
    assert time.process_time() - start < 5 * bare + 0.5
