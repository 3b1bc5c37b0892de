"""Evaluation of detectors: figures of pycocotools, of the training, and classes by name."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.inference.detector import LoadedDetector, load_any_detector
from proxy_trainer.inference.evaluation_report import EvaluationReport, evaluate_detector
from proxy_trainer.inference.scored_split import class_map, scored_split
from proxy_trainer.training.evaluation import CocoEvaluator, Detections, ground_truth
from search_space.coco_metrics import METRICS
from search_space.errors import InvalidValueError
from tests.support.constant_detectors import write_constant_detector
from tests.support.processes import THREADS

FOUND = [((16.0, 16.0, 40.0, 40.0), 0.9, 0), ((8.0, 8.0, 50.0, 50.0), 0.6, 1), ((0.0, 0.0, 9.0, 9.0), 0.4, 2)]


def _evaluated(model: Path, split: CocoSplit, cache: Path) -> tuple[LoadedDetector, EvaluationReport]:
    detector = load_any_detector(model, THREADS)
    return detector, evaluate_detector(detector, split, cache, lambda done, total: None)


def _by_pycocotools(split: CocoSplit, detections: Detections) -> tuple[list[float], list[float]]:
    """The twelve figures, and the AP of each category, evaluated alone."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = json.loads(json.dumps(ground_truth(split)))
        truth.createIndex()
        rows = np.column_stack(
            [split.image_ranks[detections.images], detections.boxes, detections.scores, detections.categories]
        )
        evaluation = COCOeval(truth, truth.loadRes(rows), "bbox")
        figures = []
        for categories in [truth.getCatIds(), *([each] for each in truth.getCatIds())]:
            evaluation.params.catIds = categories
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
            figures.append(evaluation.stats.tolist())
    return figures[0], [each[0] for each in figures[1:]]


def test_figures_and_class_aps_are_those_of_pycocotools(odd: Path) -> None:
    split, random = scored_split(odd, "all", None), np.random.default_rng(0)
    noisy = np.repeat(split.boxes, 3, axis=0) * random.uniform(0.8, 1.2, (3 * len(split.boxes), 4))
    detections = Detections(
        np.repeat(split.box_images, 3), noisy, random.uniform(size=len(noisy)), np.repeat(split.categories, 3)
    )
    scores = CocoEvaluator(split).scores(detections)
    figures, aps = _by_pycocotools(split, detections)
    assert [-1 if scores.metrics[name] is None else scores.metrics[name] for name in METRICS] == pytest.approx(figures)
    assert scores.category_aps == pytest.approx(aps)
    assert len({round(ap, 6) for ap in aps}) == len(aps) == 3


def test_the_report_of_a_model_directory_as_json(odd: Path, cache: Path, initial: Path) -> None:
    split = scored_split(odd, "all", None)
    _, report = _evaluated(initial, split, cache)
    document = report.to_dict()
    assert (document["format"], document["images"], document["is_held_out"]) == ("model directory", 12, None)
    assert [row["name"] for row in document["classes"]] == ["square", "disc", "bar"]
    assert sum(row["boxes"] for row in document["classes"]) == int((~split.crowd).sum())
    assert list(document["figures"]) == list(METRICS)


def test_classes_are_matched_by_name_and_others_left_out(odd: Path, cache: Path, tmp_path: Path) -> None:
    split = scored_split(odd, "all", None)
    _, straight = _evaluated(write_constant_detector(tmp_path / "a", ["square", "disc", "bar"], FOUND), split, cache)
    mapped: list[Any] = [(box, score, {0: 2, 1: 0, 2: 3}[slot]) for box, score, slot in FOUND]
    names = ["disc", "unicorn", "square", "bar"]
    _, turned = _evaluated(write_constant_detector(tmp_path / "b", names, mapped), split, cache)
    _, unnamed = _evaluated(write_constant_detector(tmp_path / "c", None, FOUND), split, cache)
    assert straight.scores.metrics["ap50"] != 0
    assert straight.scores == turned.scores == unnamed.scores
    unknown = [(box, score, 1) for box, score, _ in FOUND]
    _, nothing = _evaluated(write_constant_detector(tmp_path / "d", names, unknown), split, cache)
    assert nothing.scores.metrics["ap"] == 0


def test_a_detector_of_other_classes_is_refused(odd: Path, cache: Path, tmp_path: Path) -> None:
    split = scored_split(odd, "all", None)
    with pytest.raises(InvalidValueError, match=r"no class of the model, such as 'cat', is a category of .*'square'"):
        _evaluated(write_constant_detector(tmp_path / "a", ["cat"], FOUND[:1]), split, cache)
    two = load_any_detector(write_constant_detector(tmp_path / "b", None, FOUND), THREADS)
    digits = replace(split, category_ids=(1, 2), category_names=("x", "y"))
    with pytest.raises(InvalidValueError, match=r"the model has 3 classes without names, and .* has 2"):
        class_map(two.specification, digits)


def test_the_split_has_as_many_images_as_the_training_held_out(odd: Path) -> None:
    assert len(scored_split(odd, "val", {"reserved_images": 1})) == 1
    assert len(scored_split(odd, "val", None)) == 2
    assert len(scored_split(odd, "train", None)) == 10


def test_an_export_without_suppression_and_a_damaged_one_are_refused(tmp_path: Path) -> None:
    folder = write_constant_detector(tmp_path / "a", ["square"], FOUND[:1])
    (folder / "model.onnx").write_bytes(b"damaged")
    with pytest.raises(InvalidValueError, match=r"model\.onnx cannot be loaded"):
        load_any_detector(folder, THREADS)


def test_what_is_no_detector_is_named_with_a_hint(initial: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match=r"is not a model directory or an export, which have config\.json"):
        load_any_detector(tmp_path, THREADS)
    shutil.copytree(initial, tmp_path / "best")
    with pytest.raises(InvalidValueError, match=r"did you mean .*best$"):
        load_any_detector(tmp_path, THREADS)


@pytest.mark.parametrize(("name", "message"), [("test", "split is 'test'; it must be one of val, train, all")])
def test_another_split_is_refused(odd: Path, name: str, message: str) -> None:
    with pytest.raises(InvalidValueError, match=message):
        scored_split(odd, name, None)


def test_a_pytorch_export_without_pytorch_is_refused(
    initial: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(initial, tmp_path / "export"))
    (folder / "retinanet.py").write_text("raise AssertionError('it must not be run')")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InvalidValueError, match=r"is a PyTorch export, and PyTorch is not installed here"):
        load_any_detector(folder, THREADS)
