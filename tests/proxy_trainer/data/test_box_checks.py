"""Boxes that are not meant as x, y, width, height in pixels are recognised, and others are not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proxy_trainer.data.judgement import DatasetReport, judge_dataset
from search_space.proxy_task import resolve
from tests.support.annotation_tools import document, save_folder, save_image, with_fields


def warnings_of(report: DatasetReport) -> dict[str, int]:
    return {each.kind: each.count for each in report.warnings}


def changed(tmp_path: Path, *changes: tuple[str, int, dict[str, Any]]) -> DatasetReport:
    """The judgement of the plain folder with the fields of some entries replaced."""
    save_folder(tmp_path, with_fields(*changes))
    return judge_dataset(tmp_path)


@pytest.mark.parametrize(
    ("first", "second", "kinds"),
    [
        ([0, 0, 40, 30], [0, 0, 40, 30], {}),
        ([20, 15, 20, 15], [5, 5, 35, 25], {}),
        ([20, 15, 21.5, 16], [5, 5, 35, 25], {"boxes-as-corners": 1, "box-beyond-image": 1}),
        ([20, 15, 20.9, 15], [5, 5, 10, 10], {}),
        ([30, 20, 20, 5], [5, 5, 10, 10], {"box-beyond-image": 1}),
        ([-5, 2, 10, 10], [5, 5, 10, 10], {"box-beyond-image": 1}),
        ([45, 2, 10, 10], [5, 5, 10, 10], {"box-outside-image": 1, "too-few-boxes": 1}),
        ([0, 0, 1, 1], [0.2, 0.3, 0.4, 0.4], {"boxes-as-fractions": 2, "no-object-on-a-level": 2}),
        ([0, 0, 2, 1], [0.2, 0.3, 0.4, 0.4], {"no-object-on-a-level": 2}),
        ([1, 1, 6, 6], [1, 1, 2, 2], {}),
        ([1, 1, 3, 3], [1, 1, 2, 2], {"no-object-on-a-level": 2}),
    ],
)
def test_boxes_that_are_not_x_y_width_height_in_pixels(
    tmp_path: Path, first: list[float], second: list[float], kinds: dict[str, int]
) -> None:
    found = changed(
        tmp_path, ("annotations", 0, {"bbox": first, "area": None}), ("annotations", 1, {"bbox": second, "area": None})
    )
    assert warnings_of(found) == kinds


def test_corners_of_objects_anywhere_are_recognised(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    corner_at = rng.uniform(0, [30, 20], (50, 2))
    corners = np.concatenate([corner_at, corner_at + rng.uniform(4, 10, (50, 2))], axis=1)
    annotations = [
        {"id": number, "image_id": 1 + number % 2, "category_id": 1, "bbox": box, "area": 16}
        for number, box in enumerate(corners.tolist(), 1)
    ]
    save_folder(tmp_path, {**document(), "annotations": annotations})
    assert warnings_of(judge_dataset(tmp_path))["boxes-as-corners"] > 15
    for entry in annotations:
        x1, y1, x2, y2 = entry["bbox"]
        entry["bbox"] = [x1, y1, x2 - x1, y2 - y1]
    (tmp_path / "annotations.json").write_text(json.dumps({**document(), "annotations": annotations}))
    assert warnings_of(judge_dataset(tmp_path)) == {}


def test_percentages_are_recognised(tmp_path: Path) -> None:
    boxes = np.random.default_rng(0).uniform(1, 49, (30, 4)).tolist()
    annotations = [{"id": number, "image_id": 1, "category_id": 1, "bbox": box} for number, box in enumerate(boxes, 1)]
    images = [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}]
    (tmp_path / "annotations.json").write_text(json.dumps({**document(), "images": images, "annotations": annotations}))
    for name in ("a.jpg", "b.jpg"):
        save_image(tmp_path / "images" / name, (400, 300))
    assert warnings_of(judge_dataset(tmp_path))["boxes-as-percentages"] == 30


def test_larger_inputs_bring_objects_onto_a_level(tmp_path: Path) -> None:
    save_folder(
        tmp_path, with_fields(("annotations", 0, {"bbox": [1, 1, 3, 3]}), ("annotations", 1, {"bbox": [1, 1, 2, 2]}))
    )
    assert "no-object-on-a-level" in warnings_of(judge_dataset(tmp_path))
    assert "no-object-on-a-level" not in warnings_of(judge_dataset(tmp_path, resolve("laptop", image_px=512)))
