"""A trained detector: the same detections and AP as the engine in onnxruntime, by the script, and in OpenVINO."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from exporters import EXPORTERS, Export
from proxy_trainer.data.digits import make_digits
from proxy_trainer.detection_batch import DetectionBatch
from proxy_trainer.training.detectors import load_engine, tensors_of
from proxy_trainer.training.proxy_worker import ProxyWorker
from search_space.cost import parameters
from search_space.detector_model import DetectorModel
from search_space.document import BlockSpecification
from search_space.published import SP_EFFICIENTNET_B0
from tests.support.export_runtime import run_export
from tests.support.predicted_rows import detections_of, rows_of
from tests.support.processes import THREADS
from tests.support.proxy_tasks import SMOKE_ADAMW
from tests.support.same_detections import assert_same_detections

pytestmark = pytest.mark.slow

IMAGES = 50
TASK = replace(SMOKE_ADAMW, learning_rate=0.04, steps=200, warmup_steps=15, reserved_images=IMAGES)
OUTPUTS = ("boxes", "scores", "classes", "count")
UNEQUAL = 5
"""Of some thousand detections, at most this many differ by the rounding of an overlap."""
OPENVINO = Path(__file__).parent / "programs" / "openvino_outputs.py"


@dataclass(frozen=True)
class Trained:
    """A detector of digits in its export, with its worker, its AP there and its detections in the engine."""

    directory: Path
    worker: ProxyWorker
    ap: float
    detections: DetectionBatch


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    root = tmp_path_factory.mktemp("trained")
    make_digits(root / "digits", train=250, val=IMAGES)
    worker = ProxyWorker(TASK, root / "digits", root / "cache", 1, THREADS)
    ap = worker.run(SP_EFFICIENTNET_B0)["ap"]
    assert worker._engine is not None
    assert ap is not None
    network = TASK.architecture(SP_EFFICIENTNET_B0, worker._class_slots)
    tensors = tensors_of(worker._engine.state(), parameters(network))
    categories = zip(worker._reserved.category_ids, worker._reserved.category_names, strict=True)
    specification = BlockSpecification(
        network,
        {"dataset": "digits"},
        anchor_size=TASK.anchor_size,
        classes=[{"id": identifier, "name": name} for identifier, name in categories],
        figures={"ap": ap},
    )
    model = DetectorModel(specification, tensors, "trained", 1)
    (root / "export").mkdir()
    EXPORTERS["onnx"].write(Export(specification, trained=model), root / "export")
    images = worker._reserved_images
    assert len(images) == IMAGES
    return Trained(root / "export", worker, ap, load_engine(model, TASK).detect(images.pixels, images.sizes))


def _inputs(trained: Trained) -> dict[str, np.ndarray]:
    images = trained.worker._reserved_images
    return {"pixels": np.asarray(images.pixels), "sizes": images.sizes}


def _in_onnxruntime(trained: Trained) -> list[np.ndarray]:
    """The detections with boxes in the order of the engine."""
    session = onnxruntime.InferenceSession(trained.directory / "model.onnx", providers=["CPUExecutionProvider"])
    boxes, scores, classes, count = session.run(OUTPUTS, _inputs(trained))
    return [boxes[..., [1, 0, 3, 2]], scores, classes, count]


def test_the_training_has_learned(trained: Trained) -> None:
    assert trained.ap > 0.02
    assert trained.detections.valid.sum() > 20 * IMAGES


def test_onnxruntime_finds_what_the_engine_finds(trained: Trained) -> None:
    assert_same_detections(_in_onnxruntime(trained), trained.detections, unequal=UNEQUAL)


def test_the_script_has_the_ap_of_the_engine_on_the_image_files(trained: Trained) -> None:
    split = trained.worker._reserved
    paths = [str(split.path(index)) for index in range(IMAGES)]
    completed = subprocess.run(
        [sys.executable, trained.directory / "predict.py", *paths, "--score", "0"],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    rows = [image["detections"] for image in json.loads(completed.stdout)]
    expected = rows_of(trained.detections, trained.worker._reserved_images, split)
    ap, wanted = (trained.worker._evaluator.metrics(detections_of(each))["ap"] for each in (rows, expected))
    assert ap is not None
    assert wanted is not None
    assert abs(ap - wanted) <= 0.001
    assert abs(wanted - trained.ap) <= 0.02  # that of boxes which are not cut to the images
    assert {each["name"] for detections in rows for each in detections} <= set(split.category_names)


def test_openvino_finds_what_onnxruntime_finds(trained: Trained, tmp_path: Path) -> None:
    np.savez(tmp_path / "inputs.npz", **_inputs(trained))
    run_export(
        [OPENVINO, trained.directory / "model.onnx", tmp_path / "inputs.npz", tmp_path / "outputs.npz"], folder=tmp_path
    )
    found = np.load(tmp_path / "outputs.npz")
    boxes, *others = (found[name] for name in OUTPUTS)
    assert_same_detections([boxes[..., [1, 0, 3, 2]], *others], _in_onnxruntime(trained), unequal=UNEQUAL)


def test_openvino_computes_the_same_raw_predictions(trained: Trained, tmp_path: Path) -> None:
    px = TASK.image_px
    images = np.random.default_rng(0).normal(size=(3, 3, px, px)).astype(np.float32)
    np.savez(tmp_path / "inputs.npz", images=images)
    path = trained.directory / "model.raw.onnx"
    run_export([OPENVINO, path, tmp_path / "inputs.npz", tmp_path / "outputs.npz"], folder=tmp_path)
    found = np.load(tmp_path / "outputs.npz")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]
    assert set(found) == set(names)
    for name, expected in zip(names, session.run(names, {"images": images}), strict=True):
        assert np.max(np.abs(found[name] - expected)) <= 1e-4 * np.max(np.abs(expected)), name
