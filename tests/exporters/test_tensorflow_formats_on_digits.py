"""A trained detector in the formats that TensorFlow writes: the engine's detections and AP on images it has not seen.

Each export is run by the script in it, from the image files on, without effspine.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exporters import EXPORTERS, Export
from tests.support.export_runtime import run_export
from tests.support.trained_digits import IMAGES, TrainedDigits, trained_digits
from tests.support.without_effspine import run_without_effspine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800), pytest.mark.usefixtures("tensorflow")]

FORMATS = ("keras", "savedmodel", "litert")
BOX_TOLERANCE_PX, SCORE_TOLERANCE = 0.05, 1e-3
UNEQUAL = 5
"""Of some thousand detections, at most this many differ: the rounding of an overlap decides which box is kept."""
Rows = list[list[dict[str, Any]]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tensorflow: None) -> TrainedDigits:
    """The detector."""
    return trained_digits(tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="module")
def folders(trained: TrainedDigits, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The exported folders by format."""
    folders = {name: tmp_path_factory.mktemp(name) for name in FORMATS}
    for name, folder in folders.items():
        EXPORTERS[name].write(Export(trained.model.specification, trained.model, dataset=trained.data), folder)
    return folders


def _paths(trained: TrainedDigits) -> list[Path]:
    return [trained.reserved.path(index) for index in range(IMAGES)]


def _rows(output: str) -> Rows:
    found = json.loads(output)
    assert len(found) == IMAGES
    return [each["detections"] for each in found]


def _in_litert(folder: Path, trained: TrainedDigits, precision: str) -> Rows:
    model = folder / f"model_{precision}.tflite"
    arguments = [folder / "predict.py", *_paths(trained), "--score", 0, "--model", model]
    return _rows(run_export(arguments, folder=folder).stdout)


def _unequal(found: Rows, expected: Rows) -> int:
    """How many expected detections have no equal among the found ones of the same image."""
    missing = 0
    for theirs, ours in zip(found, expected, strict=True):
        assert len(theirs) == len(ours) > 0
        boxes, scores, labels = (np.array([each[name] for each in theirs]) for name in ("box", "score", "class"))
        for each in ours:
            is_equal = (labels == each["class"]) & (np.abs(scores - each["score"]) <= SCORE_TOLERANCE)
            is_equal &= np.all(np.abs(boxes - each["box"]) <= BOX_TOLERANCE_PX, axis=1)
            missing += not is_equal.any()
    return missing


def test_the_training_has_learned(trained: TrainedDigits) -> None:
    assert trained.ap(trained.rows) > 0.1


@pytest.mark.parametrize("name", ["keras", "savedmodel", "litert"])
def test_detections_and_ap_are_those_of_the_engine(trained: TrainedDigits, folders: dict[str, Path], name: str) -> None:
    if name == "litert":
        found = _in_litert(folders[name], trained, "float32")
    else:
        found = _rows(run_without_effspine(folders[name] / "predict.py", *_paths(trained), "--score", 0))
    ap, exported_ap = trained.ap(trained.rows), trained.ap(found)
    print(f"AP {ap:.5f} in the engine, {exported_ap:.5f} in {name}; unequal: {_unequal(found, trained.rows)}")
    assert _unequal(found, trained.rows) <= UNEQUAL
    assert abs(ap - exported_ap) <= 0.001


@pytest.mark.parametrize(("precision", "tolerance"), [("float16", 0.001), ("int8", 0.03)])
def test_fewer_bits_cost_little_ap(
    trained: TrainedDigits, folders: dict[str, Path], precision: str, tolerance: float
) -> None:
    ap, exported_ap = trained.ap(trained.rows), trained.ap(_in_litert(folders["litert"], trained, precision))
    print(f"AP {ap:.5f} in the engine, {exported_ap:.5f} in {precision}")
    assert abs(ap - exported_ap) <= tolerance


def test_the_script_draws_pictures(trained: TrainedDigits, folders: dict[str, Path], tmp_path: Path) -> None:
    folder, path = folders["litert"], _paths(trained)[0]
    run_export([folder / "predict.py", path, "--out", tmp_path, "--score", 0.1], folder=folder)
    assert (tmp_path / f"{path.stem}.png").stat().st_size > 0


def test_the_script_says_what_is_wrong_with_a_file(folders: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    folder = folders["litert"]
    completed = run_export([folder / "predict.py", tmp_path / "text.png"], folder=folder, check=False)
    assert completed.returncode == 1
    assert "text.png cannot be read as a picture" in completed.stderr
    assert "Traceback" not in completed.stderr
