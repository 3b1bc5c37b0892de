from __future__ import annotations

import contextlib
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from proxy_trainer.data.coco import CocoSplit, load_split
from proxy_trainer.data.stratified_split import subset
from proxy_trainer.errors import EmptySplitError, NoMetricError
from proxy_trainer.training.evaluation import Detections, coco_metrics
from search_space.coco_metrics import METRICS

# pycocotools adds 2.2e-16 to the denominator of each precision; faster-coco-eval does not.
ROUNDING = 1e-15


def _random_split(folder: Path, rng: np.random.Generator, images: int) -> CocoSplit:
    """Images with unordered ids with gaps, some without boxes; three categories and an unused one; crowds."""
    ids = rng.permutation(5 * images)[:images]
    annotations: list[dict[str, Any]] = []
    for image_id in ids:
        for _ in range(rng.integers(0, 8)):
            width, height = np.round(np.exp(rng.uniform(np.log(6), np.log(250), 2)), 2)
            x, y = np.round(rng.uniform(-10, 400, 2), 2)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": int(image_id),
                    "category_id": int(rng.choice([3, 17, 90])),
                    "bbox": [x, y, width, height],
                    "area": float(np.round(width * height * rng.uniform(0.4, 1), 3)),
                    "iscrowd": int(rng.random() < 0.1),
                }
            )
    document = {
        "images": [{"id": int(number), "file_name": f"{number}.jpg", "width": 500, "height": 500} for number in ids],
        "annotations": annotations,
        "categories": [{"id": number, "name": str(number)} for number in (90, 3, 17, 5)],
    }
    (folder / "annotations.json").write_text(json.dumps(document))
    return load_split(folder, folder / "annotations.json")


def _random_detections(split: CocoSplit, rng: np.random.Generator) -> Detections:
    """Boxes near true ones with right or wrong categories, boxes anywhere, and many equal scores."""
    near = rng.integers(0, len(split.boxes), 6 * len(split))
    boxes = split.boxes[near] * (1 + rng.normal(0, 0.04, (len(near), 4)))
    categories = np.where(rng.random(len(near)) < 0.9, split.categories[near], rng.integers(0, 4, len(near)))
    anywhere = rng.integers(0, len(split), 20 * len(split))
    return Detections(
        images=np.concatenate([split.box_images[near], anywhere]),
        boxes=np.concatenate([boxes, rng.uniform(1, 200, (len(anywhere), 4))]).astype(np.float32),
        scores=np.round(rng.random(len(near) + len(anywhere)) * np.repeat([1, 0.6], [len(near), len(anywhere)]), 2),
        categories=np.concatenate([categories, rng.integers(0, 4, len(anywhere))]),
    )


def _pycocotools(split: CocoSplit, detections: Detections, image_ids: list[int | str] | None = None) -> list[float]:
    results = [
        {
            "image_id": split.image_ids[image],
            "category_id": split.category_ids[category],
            "bbox": [float(value) for value in box],
            "score": float(score),
        }
        for image, box, score, category in zip(
            detections.images, detections.boxes, detections.scores, detections.categories, strict=True
        )
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(split.annotations_file)
        evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
        if image_ids is not None:
            evaluation.params.imgIds = image_ids
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return [float(value) for value in evaluation.stats]


@pytest.mark.parametrize("seed", range(4))
def test_all_twelve_metrics_equal_those_of_pycocotools(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    split = _random_split(tmp_path, rng, images=40)
    detections = _random_detections(split, rng)
    ours = coco_metrics(split, detections)
    assert tuple(ours) == METRICS
    assert split.crowd.any()
    assert (np.bincount(split.box_images, minlength=40) == 0).any()
    assert list(ours.values()) == pytest.approx(_pycocotools(split, detections), rel=0, abs=ROUNDING)
    assert 0.05 < (ours["ap"] or 0) < 0.9


def test_a_part_of_a_split_is_scored_as_pycocotools_scores_its_images(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    whole = _random_split(tmp_path, rng, images=30)
    part = subset(whole, np.arange(5, 17))
    detections = _random_detections(part, rng)
    expected = _pycocotools(part, detections, list(part.image_ids))
    assert list(coco_metrics(part, detections).values()) == pytest.approx(expected, rel=0, abs=ROUNDING)


def test_perfect_detections_have_ap_1_and_no_detections_ap_0(edge_case_coco: Path) -> None:
    split = load_split(edge_case_coco / "images", edge_case_coco / "annotations.json")
    split = subset(split, np.arange(10))
    boxes = ~split.crowd
    perfect = Detections(split.box_images[boxes], split.boxes[boxes], np.ones(boxes.sum()), split.categories[boxes])
    metrics = coco_metrics(split, perfect)
    assert metrics["ap"] == pytest.approx(1)
    assert metrics["ar100"] == 1
    assert metrics["ap_large"] is None
    none = Detections(np.zeros(0, int), np.zeros((0, 4)), np.zeros(0), np.zeros(0, int))
    metrics = coco_metrics(split, none)
    assert metrics["ap"] == 0
    assert metrics["ar_small"] == 0
    assert metrics["ap_large"] is None


def test_nothing_is_printed(edge_case_coco: Path, capfd: pytest.CaptureFixture[str]) -> None:
    split = load_split(edge_case_coco / "images", edge_case_coco / "annotations.json")
    coco_metrics(split, Detections(split.box_images, split.boxes, np.ones(len(split.boxes)), split.categories))
    assert capfd.readouterr() == ("", "")


def test_a_split_with_crowds_alone_cannot_be_scored(edge_case_coco: Path) -> None:
    split = load_split(edge_case_coco / "images", edge_case_coco / "annotations.json")
    empty = subset(split, np.array([9]))
    with pytest.raises(EmptySplitError, match=r"annotations\.json have no box to score against"):
        coco_metrics(empty, Detections(np.zeros(0, int), np.zeros((0, 4)), np.zeros(0), np.zeros(0, int)))


@pytest.mark.parametrize("first_id", [-20, 0, 2**31, 2**53, 2**63 - 5, 2**64, "text"])
def test_ids_of_any_size_give_the_figures_of_small_ones(tmp_path: Path, first_id: int | str) -> None:
    rng = np.random.default_rng(3)
    small = _random_split(tmp_path, rng, images=40)
    detections = _random_detections(small, rng)
    expected = coco_metrics(small, detections)
    document = json.loads((tmp_path / "annotations.json").read_text())

    def large(number: int) -> int | str:
        return f"{number:09d}" if isinstance(first_id, str) else first_id + number

    for image in document["images"]:
        image["id"] = large(image["id"])
    for category in document["categories"]:
        category["id"] = large(category["id"])
    for annotation in document["annotations"]:
        annotation["image_id"] = large(annotation["image_id"])
        annotation["category_id"] = large(annotation["category_id"])
    (tmp_path / "annotations.json").write_text(json.dumps(document))
    split = load_split(tmp_path, tmp_path / "annotations.json")
    assert coco_metrics(split, detections) == expected, "to the bit, with many equal scores"
    assert coco_metrics(subset(split, np.arange(5, 17)), _random_detections(subset(split, np.arange(5, 17)), rng))


def test_negative_areas_in_a_file_do_not_change_which_boxes_are_scored(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    split = _random_split(tmp_path, rng, images=40)
    detections = _random_detections(split, rng)
    document = json.loads((tmp_path / "annotations.json").read_text())
    for annotation in document["annotations"]:
        annotation["area"] = annotation["bbox"][2] * annotation["bbox"][3]
    (tmp_path / "annotations.json").write_text(json.dumps(document))
    expected = coco_metrics(load_split(tmp_path, tmp_path / "annotations.json"), detections)
    for step in (1, 2):
        for annotation in document["annotations"][::step]:
            annotation["area"] = -abs(annotation["area"])
        (tmp_path / "annotations.json").write_text(json.dumps(document))
        assert coco_metrics(load_split(tmp_path, tmp_path / "annotations.json"), detections) == expected


def test_boxes_of_which_none_is_scored_give_no_figures(edge_case_coco: Path) -> None:
    split = load_split(edge_case_coco / "images", edge_case_coco / "annotations.json")
    found = Detections(split.box_images, split.boxes, np.ones(len(split.boxes)), split.categories)
    for area in (-120.0, 1.1e10):
        message = r"no AP could be measured on .*annotations\.json: 17 of its 17 boxes have an area that is not between"
        with pytest.raises(NoMetricError, match=message) as caught:
            coco_metrics(replace(split, areas=np.full(len(split.boxes), area)), found)
        assert caught.value.kind == "no-ap"
        assert caught.value.reaction == "stop"
