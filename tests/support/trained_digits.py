"""A detector that a short training has taught to find digits, and its detections on images that it has not seen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.data.coco_directory import load_dataset
from proxy_trainer.data.decoded_images import DecodedSplit, decode_split
from proxy_trainer.data.digits import make_digits
from proxy_trainer.detection_batch import DetectionBatch
from proxy_trainer.engine.engine import Engine
from proxy_trainer.training.detectors import tensors_of
from proxy_trainer.training.evaluation import CocoEvaluator
from proxy_trainer.training.training_batches import TrainingBatches
from search_space.cost import parameters
from search_space.detector_model import DetectorModel
from search_space.document import BlockSpecification
from search_space.proxy_task import resolve
from search_space.published import EFF_SPINENET_D0
from tests.support.predicted_rows import Rows, detections_of, rows_of

IMAGES = 50
STEPS = 600
TASK = resolve("laptop-alone", steps=STEPS, warmup_steps=40, ema_decay=0.98, reserved_images=IMAGES)


@dataclass(frozen=True, eq=False)
class TrainedDigits:
    """The detector, its data set, the reserved images and what the engine detects on them."""

    model: DetectorModel
    data: Path
    reserved: CocoSplit
    images: DecodedSplit
    found: DetectionBatch

    def ap(self, rows: Rows) -> float:
        """AP of the detections of each image."""
        ap = CocoEvaluator(self.reserved).metrics(detections_of(rows))["ap"]
        assert ap is not None
        return ap

    @property
    def rows(self) -> Rows:
        """The engine's detections in the form of `ap`."""
        return rows_of(self.found, self.images, self.reserved)


def trained_digits(directory: Path) -> TrainedDigits:
    """Makes the data set in the directory and trains; takes about a minute on two free cores."""
    data = make_digits(directory / "digits", train=800, val=IMAGES).directory
    train, reserved = load_dataset(data, reserved_images=IMAGES, reserve_from="val", seed=0)
    images, others = (decode_split(split, TASK.image_px, directory / "cache") for split in (train, reserved))
    engine, slots = Engine(TASK, len(train.category_ids)), len(train.category_ids)
    engine.load(EFF_SPINENET_D0, seed=0)
    for step, batch in enumerate(TrainingBatches(images, TASK, seed=0).stream(0, STEPS)):
        engine.train_step(batch, TASK.learning_rate_at(step), (0, step))
    network = TASK.architecture(EFF_SPINENET_D0, slots)
    with engine.recalibrated(images.pixels[:256], images.sizes[:256], batch=64):
        found = engine.detect(others.pixels, others.sizes)
        tensors = tensors_of(engine.state(), parameters(network))
    categories = zip(train.category_ids, train.category_names, strict=True)
    classes = [{"id": identifier, "name": name} for identifier, name in categories]
    specification = BlockSpecification(network, {"dataset": "digits"}, anchor_size=TASK.anchor_size, classes=classes)
    return TrainedDigits(DetectorModel(specification, tensors, "trained", 0), data, reserved, others, found)
