"""A trained state becomes a detector, and the detector gives the same detections in another engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from proxy_trainer.engine.engine import Engine
from proxy_trainer.errors import SharedWeightsChangedError
from proxy_trainer.training.detectors import load_engine, tensors_of
from proxy_trainer.training.proxy_worker import ProxyWorker
from search_space.coco_metrics import METRICS
from search_space.cost import parameters
from search_space.detector_model import DetectorModel, load_detector, save_detector
from search_space.document import BlockSpecification
from search_space.errors import InvalidValueError
from search_space.proxy_task import resolve
from search_space.published import EFF_SPINENET_D0
from search_space.space import SearchSpace
from tests.support.processes import THREADS
from tests.support.proxy_tasks import SMOKE, SMOKE_ADAMW

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


def test_the_detector_of_a_training_has_the_metrics_that_its_reward_was_measured_with(
    digits: Path, tmp_path: Path
) -> None:
    task = replace(SMOKE_ADAMW, steps=12, ema_decay=0.5, recalibration_images=16)
    worker = ProxyWorker(task, digits, tmp_path, 1, THREADS)
    metrics = worker.run(EFF_SPINENET_D0, seed=3)
    model = worker.detector()
    save_detector(model, tmp_path / "kept")
    kept = load_detector(tmp_path / "kept")
    assert (kept.origin, kept.seed, kept.specification.training) == (
        "trained", 3, {"proxy_task": task.to_dict(), "seed": 3},
    )  # fmt: skip
    assert kept.specification.classes == [{"id": 1, "name": "digit"}]
    assert kept.specification.figures == {name: metrics[name] for name in METRICS}
    assert worker._evaluator.metrics(worker._detect(load_engine(kept, SMOKE))) == kept.specification.figures


def test_the_slice_of_shared_weights_detects_what_its_trial_was_scored_on(digits: Path, tmp_path: Path) -> None:
    task = replace(
        SMOKE_ADAMW, kind="shared", steps=0, warmup_steps=0, shared_steps=8, shared_ema_decay=0.5,
        recalibration_images=16,
    )  # fmt: skip
    worker = ProxyWorker(task, digits, tmp_path, 1, THREADS, SearchSpace())
    with pytest.raises(InvalidValueError, match="the shared weights of this data, task and version are not there"):
        worker.slice_detector(EFF_SPINENET_D0, "0" * 64, None)
    metrics = worker.run(EFF_SPINENET_D0)
    other = ProxyWorker(task, digits, tmp_path, 1, THREADS, SearchSpace())
    with pytest.raises(SharedWeightsChangedError):
        other.slice_detector(EFF_SPINENET_D0, "0" * 64, None)
    model = other.slice_detector(EFF_SPINENET_D0, worker.shared_weights().sha256, metrics)
    assert (model.origin, model.seed) == ("shared", task.shared_seed)
    found = worker._evaluator.metrics(worker._detect(load_engine(model, task)))
    assert found == model.specification.figures == {name: metrics[name] for name in METRICS}
