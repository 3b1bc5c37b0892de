"""A trained state becomes a detector, and the detector gives the same detections in another engine."""

from __future__ import annotations

import numpy as np

from proxy_trainer.engine.engine import Engine
from proxy_trainer.training.detectors import load_engine, tensors_of
from search_space.cost import parameters
from search_space.detector_model import DetectorModel
from search_space.document import BlockSpecification
from search_space.proxy_task import resolve
from search_space.published import EFF_SPINENET_D0

TASK = resolve("smoke", image_px=64)
CLASSES = 3


def test_a_detector_detects_what_its_training_state_detects() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3)).astype(np.uint8)
    sizes = np.full((4, 2), 64, np.int32)
    network = TASK.architecture(EFF_SPINENET_D0, CLASSES)
    engine = Engine(TASK, CLASSES)
    engine.load(EFF_SPINENET_D0, seed=1)
    with engine.recalibrated(pixels, sizes, batch=4):
        found = engine.detect(pixels, sizes)
        tensors = tensors_of(engine.state(), parameters(network))
    specification = BlockSpecification(network, {}, anchor_size=TASK.anchor_size)
    other = load_engine(DetectorModel(specification, tensors, "trained", 1), resolve("laptop-alone"))
    again = other.detect(pixels, sizes)
    assert found.valid.sum() > 0
    for one, two in zip(found, again, strict=True):
        np.testing.assert_array_equal(one, two)
