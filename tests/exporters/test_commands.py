"""Exports by `effspine evaluate`, by `effspine predict`, and by their own `predict.py`: the engine's figures and boxes.

PyTorch is no dependency of effspine; its export is run by effspine with the packages of `.venv-exports`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from typer import Typer
from typer.testing import CliRunner

from proxy_trainer.data.digits import make_digits
from proxy_trainer.inference_commands import evaluate_app, predict_app
from search_space.detector_model import DetectorModel, save_detector
from tests.support.edge_case_coco import ORIENTATION_TAG
from tests.support.export_runtime import run_effspine_with, run_export
from tests.support.exported_folders import exported, random_model
from tests.support.processes import THREADS
from tests.support.random_detectors import UNEQUAL
from tests.support.without_effspine import run_without_effspine

pytestmark = [pytest.mark.usefixtures("tensorflow"), pytest.mark.timeout(1800)]

FORMATS = (
    "onnx",
    "pytorch",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("savedmodel", "keras", "litert")),
)
ALONE_IN_EXPORTS = ("pytorch", "litert")
"""Formats whose `predict.py` runs in `.venv-exports`; that of the others runs in this environment."""

FIELDS = ["box", "score", "class", "name"]
NAMES = ("7", "4", "digit")
"""The last is the class of the data set."""
Document = dict[str, Any]


class Case(NamedTuple):
    """A detector, a data set that has its classes, and pictures that are not square, one of them turned by EXIF."""

    model: DetectorModel
    data: Path
    pictures: list[Path]


class Results(NamedTuple):
    """What the two commands print."""

    evaluation: Document
    predictions: list[Document]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    directory = tmp_path_factory.mktemp("case")
    model = random_model(UNEQUAL)
    classes = [{"id": number, "name": name} for number, name in enumerate(NAMES)]
    model = replace(model, specification=replace(model.specification, classes=classes))
    data = make_digits(directory / "digits", train=3, val=24, categories=1, image_px=64).directory
    pixels = np.random.default_rng(5).integers(0, 256, (47, 90, 3)).astype(np.uint8)
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = 6
    pictures = [directory / "wide.png", directory / "turned.png"]
    Image.fromarray(pixels).save(pictures[0])
    Image.fromarray(pixels).save(pictures[1], exif=exif)
    return Case(model, data, pictures)


@pytest.fixture(scope="module")
def expected(case: Case, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Those of the model directory, which the engine runs."""
    directory = tmp_path_factory.mktemp("model")
    save_detector(case.model, directory)
    return _here(case, directory)


def _commands(case: Case, model: Path) -> tuple[list[object], list[object]]:
    """The arguments of evaluate and predict."""
    last = ["--threads", THREADS, "--json"]
    return [model, "--data", case.data, *last], [*case.pictures, "--model", model, "--score", 0, *last]


def _here(case: Case, model: Path) -> Results:
    """The results of the commands in this process."""

    def printed(app: Typer, arguments: list[object]) -> Any:
        done = CliRunner().invoke(app, list(map(str, arguments)))
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    evaluate, predict = _commands(case, model)
    return Results(printed(evaluate_app, evaluate), printed(predict_app, predict))


def _with_torch(case: Case, model: Path, data_dir: Path) -> Results:
    evaluate, predict = _commands(case, model)
    printed = run_effspine_with("exports", [["evaluate", *evaluate], ["predict", *predict]], data_dir=data_dir)
    return Results(*map(json.loads, printed))


def _by_script(case: Case, folder: Path, name: str) -> list[Document]:
    arguments = [*case.pictures, "--score", 0]
    if name in ALONE_IN_EXPORTS:
        printed = run_export(["predict.py", *arguments], folder=folder).stdout
    else:
        printed = run_without_effspine(folder / "predict.py", *arguments)
    documents: list[Document] = json.loads(printed)
    return documents


@pytest.mark.parametrize("name", FORMATS)
def test_an_export_has_the_figures_and_the_predictions_of_the_engine(
    name: str, case: Case, expected: Results, tmp_path: Path
) -> None:
    folder = exported(case.model, tmp_path / "export", name)
    found = _with_torch(case, folder, tmp_path) if name == "pytorch" else _here(case, folder)
    assert found.evaluation["format"] == name
    figures, wanted = found.evaluation["figures"], expected.evaluation["figures"]
    assert wanted["ar100"] > 0.005
    assert figures == pytest.approx(wanted, abs=0.001, nan_ok=True)
    for documents in (found.predictions, _by_script(case, folder, name)):
        for document, wanted_document in zip(documents, expected.predictions, strict=True):
            _assert_same_document(document, wanted_document)


def _assert_same_document(found: Document, wanted: Document) -> None:
    """The same fields in the same order and rounding, and nearly all of the same detections, best first."""
    assert list(found) == list(wanted) == ["image", "width", "height", "detections"]
    for name in ("image", "width", "height"):
        assert found[name] == wanted[name]
    rows = found["detections"]
    assert 10 < len(rows) <= 100
    for each in rows:
        assert list(each) == FIELDS
        assert each["box"] == [round(side, 4) for side in each["box"]]
        assert each["score"] == round(each["score"], 6)
        assert each["name"] == NAMES[each["class"]]
        x1, y1, x2, y2 = each["box"]
        assert 0 <= x1 <= x2 <= found["width"]
        assert 0 <= y1 <= y2 <= found["height"]
    assert [each["score"] for each in rows] == sorted((each["score"] for each in rows), reverse=True)
    distances = np.abs(_columns(rows)[:, None] - _columns(wanted["detections"])[None]).max(axis=-1).min(axis=0)
    assert np.mean(distances < 0.02) > 0.9  # where an overlap is the limit up to rounding, another box is kept


def _columns(detections: list[Document]) -> npt.NDArray[np.float64]:
    """The detections `[n, 6]`: box, score in hundreds, class in thousands."""
    return np.array([[*each["box"], 100 * each["score"], 1000 * each["class"]] for each in detections])
