"""A trained detector finds the same objects in PyTorch, on fifty images that it was not trained on, and learns on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.data.coco_directory import load_dataset
from proxy_trainer.data.decoded_images import decode_split
from proxy_trainer.data.digits import make_digits
from proxy_trainer.detection_batch import DetectionBatch
from proxy_trainer.engine.engine import Engine
from proxy_trainer.training.detectors import tensors_of
from proxy_trainer.training.evaluation import CocoEvaluator, Detections
from proxy_trainer.training.training_batches import TrainingBatches
from search_space.cost import parameters
from search_space.detector import MAX_DETECTIONS
from search_space.detector_model import DetectorModel
from search_space.document import BlockSpecification
from search_space.proxy_task import resolve
from search_space.published import EFF_SPINENET_D0
from tests.support.export_runtime import run_export
from tests.support.exported_folders import exported
from tests.support.same_detections import assert_same_detections

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

IMAGES = 50
STEPS = 400
UNEQUAL = 5
"""Of some thousand detections, at most this many differ by the rounding of an overlap."""
TASK = resolve("laptop-alone", steps=STEPS, warmup_steps=40, ema_decay=0.98, reserved_images=IMAGES)
PROGRAM = (
    "import json, sys; from pathlib import Path; from coco_folder import CocoFolder; from evaluate import detections;"
    "from retinanet import load;"
    "json.dump(detections(load('.'), CocoFolder(Path(sys.argv[1]), 'val')), open(sys.argv[2], 'w'))"
)


@dataclass(frozen=True, eq=False)
class Trained:
    """A detector trained by the engine: its export, its data, and what the engine detects on the reserved images."""

    folder: Path
    data: Path
    reserved: CocoSplit
    detections: Detections


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    directory = tmp_path_factory.mktemp("reserved")
    data = make_digits(directory / "digits", train=600, val=IMAGES).directory
    train, reserved = load_dataset(data, reserved_images=IMAGES, reserve_from="val", seed=0)
    images, others = (decode_split(split, TASK.image_px, directory / "cache") for split in (train, reserved))
    engine = Engine(TASK, 1)
    engine.load(EFF_SPINENET_D0, seed=0)
    for step, batch in enumerate(TrainingBatches(images, TASK, seed=0).stream(0, STEPS)):
        engine.train_step(batch, TASK.learning_rate_at(step), (0, step))
    network = TASK.architecture(EFF_SPINENET_D0, 1)
    with engine.recalibrated(images.pixels[:256], images.sizes[:256], batch=64):
        found = engine.detect(others.pixels, others.sizes)
        tensors = tensors_of(engine.state(), parameters(network))
    classes = [{"id": train.category_ids[0], "name": train.category_names[0]}]
    specification = BlockSpecification(network, {}, anchor_size=TASK.anchor_size, classes=classes)
    folder = exported(DetectorModel(specification, tensors, "trained", 0), directory / "model")
    return Trained(folder, data, reserved, _in_original_pixels(found, others.scales))


def _in_original_pixels(found: DetectionBatch, scales: np.ndarray) -> Detections:
    row, column = np.nonzero(np.arange(found.scores.shape[1]) < found.valid[:, None])
    y1, x1, y2, x2 = (found.boxes[row, column] / scales[row, None]).T
    boxes = np.stack([x1, y1, x2 - x1, y2 - y1], axis=1)
    return Detections(row, boxes, found.scores[row, column], found.classes[row, column].astype(np.int32))


def _exported_detections(trained: Trained, folder: Path, results: Path) -> Detections:
    run_export(["-c", PROGRAM, trained.data, results], folder=folder)
    rows = json.loads(results.read_text())
    indices = {number: index for index, number in enumerate(trained.reserved.image_ids)}
    return Detections(
        images=np.array([indices[row["image_id"]] for row in rows]),
        boxes=np.array([row["bbox"] for row in rows]),
        scores=np.array([row["score"] for row in rows]),
        categories=np.zeros(len(rows), np.int32),
    )


def _by_image(detections: Detections) -> list[np.ndarray]:
    """Boxes `[images, 100, 4]`, scores and classes `[images, 100]`, and the number of detections of each image."""
    boxes, scores = np.zeros((IMAGES, MAX_DETECTIONS, 4)), np.zeros((IMAGES, MAX_DETECTIONS))
    valid = np.bincount(detections.images, minlength=IMAGES)
    for image, count in enumerate(valid):
        boxes[image, :count] = detections.boxes[detections.images == image]
        scores[image, :count] = detections.scores[detections.images == image]
    return [boxes, scores, np.zeros_like(scores), valid]


def test_detections_and_ap_are_those_of_the_engine(trained: Trained, tmp_path: Path) -> None:
    expected, found = trained.detections, _exported_detections(trained, trained.folder, tmp_path / "results.json")
    assert len(trained.reserved) == IMAGES
    assert_same_detections(_by_image(found), _by_image(expected), unequal=UNEQUAL)
    evaluator = CocoEvaluator(trained.reserved)
    ap, exported_ap = (evaluator.metrics(each)["ap"] for each in (expected, found))
    print(f"AP {ap:.5f} in the engine, {exported_ap:.5f} in PyTorch")
    assert ap is not None
    assert exported_ap is not None
    assert ap > 0.05
    assert abs(ap - exported_ap) <= 0.001


def test_fine_tuning_the_export_improves_it(trained: Trained, tmp_path: Path) -> None:
    options = ("--epochs", 3, "--batch-size", 8, "--workers", 0, "--scale", 0.8, 1.25, "--no-flip", "--drop-rate", 0)
    out = tmp_path / "trained"
    run_export(["train.py", trained.data, "--out", out, *options], folder=trained.folder, timeout_s=1500)
    evaluator = CocoEvaluator(trained.reserved)
    found = _exported_detections(trained, out, tmp_path / "results.json")
    before, after = (evaluator.metrics(each)["ap"] for each in (trained.detections, found))
    print(f"AP {before:.5f} before and {after:.5f} after fine-tuning")
    assert before is not None
    assert after is not None
    assert after > before
