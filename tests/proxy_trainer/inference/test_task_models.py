"""`effspine evaluate` and `effspine predict` on the models of every task: the training's figures, and what is found."""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as rle
from typer.testing import CliRunner, Result

from proxy_trainer.data.voc_segmentation import read_mask
from proxy_trainer.inference.models import load_runnable
from proxy_trainer.inference_commands import evaluate_app, predict_app
from search_space.catalogue import TASKS, Task
from search_space.errors import InvalidValueError
from tests.support.processes import THREADS
from tests.support.small_tasks import TINY, digits_for, small_trainee

SMALL = {"instance-segmentation": {"proposals": 20, "detections": 5}}
CLASS_COLUMNS = {
    "detection": ["id", "name", "boxes", "ap"],
    "instance-segmentation": ["id", "name", "boxes", "ap", "mask_ap"],
    "classification": ["name", "images", "top1"],
    "semantic-segmentation": ["name", "pixels", "iou"],
}


class Models:
    """The digits and a model directory of each task, with initial weights; made, and loaded, at their first use."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.load = cache(load_runnable)

    def data(self, task: Task) -> Path:
        directory = self._root / ("digits" if task == "instance-segmentation" else task)
        return directory if directory.exists() else digits_for(task, directory, train=20, val=10)

    def model(self, task: Task) -> Path:
        directory = self._root / f"model-{task}"
        if not directory.exists():
            fields = {**TINY, **SMALL.get(task, {})}
            trainee = small_trainee(task, self.data(task), self._root / "data" / "cache", **fields)
            trainee.save(directory, trainee.evaluate())
        return directory

    def picture(self, task: Task) -> Path:
        data = self.data(task)
        found = data / "JPEGImages" / "val_000001.jpg" if task == "semantic-segmentation" else None
        return found or next(path for path in sorted((data / "val").rglob("*.jpg")))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    return Models(tmp_path_factory.mktemp("models"))


@pytest.fixture(autouse=True)
def _shared_models(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each model is loaded once, since tracing its graph takes longer than most tests."""
    monkeypatch.setattr("proxy_trainer.inference.models.load_runnable", models.load)
    monkeypatch.setenv("EFFSPINE_DATA_DIR", str(models._root / "data"))


def _evaluate(model: Path, data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(evaluate_app, [str(model), "--data", str(data), "--threads", str(THREADS), *arguments])


def _predict(model: Path, *arguments: object) -> Result:
    fixed = ["--model", str(model), "--threads", str(THREADS)]
    return CliRunner().invoke(predict_app, [*map(str, arguments), *fixed])


def _predicted(model: Path, *arguments: object) -> dict[str, Any]:
    (found,) = json.loads(_predict(model, *arguments, "--json").stdout)
    return dict(found)


@pytest.mark.parametrize("task", TASKS)
def test_the_figures_are_those_that_the_training_measured(models: Models, task: Task) -> None:
    saved = json.loads((models.model(task) / "config.json").read_text())["figures"]
    result = _evaluate(models.model(task), models.data(task), "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["task"], report["images"], report["is_held_out"]) == (task, 10, True)
    assert report["figures"].items() <= saved.items()
    assert len(report["figures"]) == {"detection": 12, "instance-segmentation": 24}.get(task, 2)
    assert [list(row) for row in report["classes"]] == [CLASS_COLUMNS[task]] * len(report["classes"])
    if task == "semantic-segmentation":
        assert {f"iou_{row['name']}": row["iou"] for row in report["classes"]}.items() <= saved.items()
    if task == "classification":
        right = sum(row["images"] * row["top1"] for row in report["classes"])
        assert right == pytest.approx(10 * saved["top1"])


def test_the_report_is_printed_as_facts_and_a_table_of_classes(models: Models) -> None:
    printed = _evaluate(models.model("classification"), models.data("classification")).stdout
    assert "10 of " in printed
    assert "those of the model's figures" in " ".join(printed.split())
    assert [line.split()[0] for line in printed.splitlines() if line.strip()[:1].isdigit()] == list("0123456789")
    train = _evaluate(models.model("classification"), models.data("classification"), "--split", "train").stdout
    assert ", not those of the model's figures" in " ".join(train.split())


def test_a_classifier_names_the_best_classes_with_probabilities(models: Models, tmp_path: Path) -> None:
    picture = models.picture("classification")
    found = _predicted(models.model("classification"), picture, "--top", 10, "--out", tmp_path)
    probabilities = [each["probability"] for each in found["labels"]]
    assert sum(probabilities) == pytest.approx(1.0, abs=1e-3)
    assert probabilities == sorted(probabilities, reverse=True)
    assert {each["name"] for each in found["labels"]} == set("0123456789")
    with Image.open(picture) as image, Image.open(found["drawn"]) as drawn:
        assert (found["width"], found["height"]) == image.size
        assert drawn.width % image.width == 0
    assert len(_predicted(models.model("classification"), picture)["labels"]) == 5
    assert len(_predicted(models.model("classification"), picture, "--score", 0.05)["labels"]) == 5
    lines = _predict(models.model("classification"), picture, "--score", 1.0).stdout.splitlines()
    assert lines == [f"{picture}: no class with a probability of 1 or more"]


def test_a_segmentation_gives_shares_an_overlay_and_a_mask(models: Models, tmp_path: Path) -> None:
    picture = models.picture("semantic-segmentation")
    found = _predicted(models.model("semantic-segmentation"), picture, "--out", tmp_path)
    mask = read_mask(Path(found["mask"]))
    with Image.open(picture) as image:
        assert mask.shape == (found["height"], found["width"]) == (image.height, image.width)
    assert {each["class"]: each["pixels"] for each in found["classes"]} == {
        slot: int((mask == slot).sum()) for slot in np.unique(mask).tolist()
    }
    assert sum(each["share"] for each in found["classes"]) == pytest.approx(1.0, abs=1e-3)
    assert Path(found["drawn"]).parent == tmp_path
    assert Path(found["mask"]).parent == tmp_path / "mask"


def test_mask_rcnn_gives_boxes_and_masks_within_them(models: Models, tmp_path: Path) -> None:
    picture = models.picture("instance-segmentation")
    found = _predicted(models.model("instance-segmentation"), picture, "--score", 0, "--out", tmp_path)
    assert found["detections"]
    for each in found["detections"]:
        mask = rle.decode({**each["mask"], "counts": each["mask"]["counts"].encode()})
        assert mask.shape == (found["height"], found["width"])
        x1, y1, x2, y2 = each["box"]
        rows, columns = np.nonzero(mask)
        if len(rows):
            assert columns.min() >= np.floor(x1) and rows.min() >= np.floor(y1)  # noqa: PT018
            assert columns.max() <= np.ceil(x2) and rows.max() <= np.ceil(y2)  # noqa: PT018
    assert Path(found["drawn"]).is_file()
    (summary, *lines) = _predict(models.model("instance-segmentation"), picture, "--score", 0).stdout.splitlines()
    assert summary == f"{picture}: {len(found['detections'])} found"
    assert len(lines) == len(found["detections"])


def test_a_baseline_predicts_as_detectors_do(models: Models) -> None:
    found = _predicted(models.model("detection"), models.picture("detection"), "--score", 0)
    assert {each["name"] for each in found["detections"]} == {"digit"}
    assert list(found["detections"][0]) == ["box", "score", "class", "name"]


@pytest.mark.parametrize(
    ("task", "other", "message"),
    [
        ("classification", "detection", r"has the layout of COCO .*; classification reads the layout of ImageNet"),
        ("detection", "classification", r"has the layout of ImageNet .*; detection reads the layout of COCO"),
        ("detection", "semantic-segmentation", r"has the layout of Pascal VOC .*; detection reads the layout of COCO"),
        ("semantic-segmentation", "classification", r"has the layout of ImageNet .*; semantic-segmentation reads"),
    ],
)
def test_data_of_another_task_are_refused(models: Models, task: Task, other: Task, message: str) -> None:
    error = _evaluate(models.model(task), models.data(other)).exception
    assert isinstance(error, InvalidValueError)
    with pytest.raises(InvalidValueError, match=message):
        raise error


def test_options_and_splits_of_another_task_are_refused(models: Models) -> None:
    for task, arguments, message in (
        ("semantic-segmentation", ("--score", 0.5), "--score is not for semantic-segmentation; leave it out"),
        ("semantic-segmentation", ("--top", 2), "--top is not for semantic-segmentation"),
        ("detection", ("--top", 2), "--top is not for detection"),
        ("instance-segmentation", ("--top", 2), "--top is not for instance-segmentation"),
    ):
        found = _predict(models.model(task), models.picture(task), *arguments)  # type: ignore[arg-type]
        assert message in str(found.exception)
    error = _evaluate(models.model("classification"), models.data("classification"), "--split", "all").exception
    assert str(error) == "split is 'all'; for this task it must be val or train"


def test_classes_of_a_classifier_are_matched_by_name(models: Models, tmp_path: Path) -> None:
    data = Path(shutil.copytree(models.data("classification"), tmp_path / "digits"))
    for split in ("train", "val"):
        (data / split / "0").rename(data / split / "zero")
    straight, renamed = (
        json.loads(_evaluate(models.model("classification"), each, "--json").stdout)
        for each in (models.data("classification"), data)
    )
    wanted = [row for row in straight["classes"] if row["name"] != "0"]
    assert renamed["classes"] == [*wanted, {"name": "zero", "images": 1, "top1": 0.0}]
    assert renamed["is_held_out"] is False
    for split in ("train", "val"):
        for digit in range(1, 10):
            (data / split / str(digit)).rename(data / split / f"n{digit}")
    error = _evaluate(models.model("classification"), data).exception
    assert "no class of the model, such as '0', is a class of " in str(error)


def test_segmentation_data_of_other_classes_are_refused(models: Models, tmp_path: Path) -> None:
    data = Path(shutil.copytree(models.data("semantic-segmentation"), tmp_path / "digits"))
    (data / "classes.txt").write_text("background\ncat\n")
    error = _evaluate(models.model("semantic-segmentation"), data).exception
    assert "the classes of the model are background, digit; those of " in str(error)
