"""The exported detector prepares, detects, and learns like the engine: the same pictures, boxes and losses."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from exporters.pytorch.layout import to_torch
from proxy_trainer.data.images import resize_and_pad, resized_size
from proxy_trainer.detection_batch import DetectionBatch
from proxy_trainer.engine.losses import detection_loss
from proxy_trainer.engine.proxy_network import normalise
from proxy_trainer.engine.targets import match_anchors, targets_of
from proxy_trainer.engine.tensor_ops import TensorOps
from proxy_trainer.training.detectors import load_engine
from search_space.anchors import anchor_boxes
from search_space.cost import parameters
from search_space.detector import BOX_LOSS_WEIGHT
from search_space.networks.retinanet import LEVELS, retinanet
from search_space.parameters import by_kind
from search_space.proxy_task import resolve
from tests.support.export_runtime import run_export
from tests.support.exported_folders import exported, random_model
from tests.support.random_detectors import UNEQUAL
from tests.support.same_detections import assert_same_detections

PROGRAMS = Path(__file__).parent / "programs"
ANCHOR_SIZE = 2.0
SIZES = ((96, 96), (120, 75), (50, 131), (33, 20))
PX = UNEQUAL.input_px
MODEL = random_model(UNEQUAL, anchor_size=ANCHOR_SIZE)
# So that some scores are below the lowest one that is reported.
MODEL.tensors["class/predict/pointwise/bias"][...] -= 10.0

Arrays = Mapping[str, np.ndarray]


def _pictures() -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [rng.integers(0, 256, (*size, 3)).astype(np.uint8) for size in SIZES]


def _boxes() -> tuple[np.ndarray, np.ndarray]:
    """Boxes of all sizes `[images, boxes, 4]`, some of them equal, and their classes; the last image has none."""
    rng = np.random.default_rng(4)
    corners = rng.uniform(0, 30, (len(SIZES), 8, 2))
    sides = rng.uniform(2, 34, (len(SIZES), 8, 2))
    boxes = np.concatenate([corners, corners + sides], axis=-1).astype(np.float32)
    classes = rng.integers(-1, UNEQUAL.class_slots, (len(SIZES), 8)).astype(np.int32)
    boxes[0, 1], classes[0, :2] = boxes[0, 0], (0, 1)
    classes[-1] = -1
    return boxes, classes


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Arrays:
    """What the exported detector computes."""
    case = tmp_path_factory.mktemp("detector")
    exported(MODEL, case / "model")
    boxes, classes = _boxes()
    pictures = {f"picture{number}": picture for number, picture in enumerate(_pictures())}
    np.savez(case / "input.npz", pictures=len(pictures), boxes=boxes, labels=classes, **pictures)
    run_export([PROGRAMS / "detector.py", case], folder=case)
    return np.load(case / "output.npz")


def _engine_input() -> tuple[np.ndarray, np.ndarray]:
    pixels = np.stack([resize_and_pad(picture, PX)[0] for picture in _pictures()])
    return pixels, np.array([resized_size(*size, PX) for size in SIZES], np.int32)


def test_pictures_are_prepared_as_for_the_engine(found: Arrays) -> None:
    expected = normalise(*_engine_input()).numpy().transpose(0, 3, 1, 2)
    np.testing.assert_allclose(found["images"], expected, atol=1e-6)
    np.testing.assert_allclose(found["scales"], [PX / max(size) for size in SIZES])


def test_detections_are_those_of_the_engine(found: Arrays) -> None:
    expected = load_engine(MODEL, resolve("smoke")).detect(*_engine_input())
    assert 10 < expected.valid.min() < expected.scores.shape[1]
    actual = DetectionBatch(*(np.zeros_like(values) for values in expected))
    for number in range(len(SIZES)):
        count = len(found[f"scores{number}"])
        actual.boxes[number, :count] = found[f"boxes{number}"][:, [1, 0, 3, 2]]
        actual.scores[number, :count] = found[f"scores{number}"]
        actual.classes[number, :count] = found[f"labels{number}"]
        actual.valid[number] = count
    assert_same_detections(actual, expected)


def test_suppression_keeps_what_one_keeps_that_takes_a_candidate_at_a_time(tmp_path: Path) -> None:
    run_export([PROGRAMS / "suppression.py", exported(MODEL, tmp_path)], folder=tmp_path)


def test_losses_and_their_gradient_are_those_of_the_engine(found: Arrays) -> None:
    boxes, classes = _boxes()
    anchors = anchor_boxes(PX, ANCHOR_SIZE)
    matches = match_anchors(anchors, boxes, classes)
    assert (matches >= 0).any(axis=1).tolist() == [True, True, True, False]
    variables = {name: tf.Variable(values) for name, values in MODEL.tensors.items()}
    with tf.GradientTape() as tape:
        ops = TensorOps({name: tf.convert_to_tensor(each) for name, each in variables.items()}, training=True)
        outputs = retinanet(ops, UNEQUAL, normalise(*_engine_input()))
        logits, codes = (
            tf.concat([tf.reshape(maps[level], [len(SIZES), -1, values]) for level in LEVELS], axis=1)
            for maps, values in ((outputs.class_logits, UNEQUAL.class_slots), (outputs.boxes, 4))
        )
        loss = detection_loss(logits, codes, targets_of(anchors, boxes, classes, matches))
    np.testing.assert_allclose(found["loss/classification"], loss.classes, rtol=1e-4)
    np.testing.assert_allclose(found["loss/bbox_regression"], BOX_LOSS_WEIGHT * loss.boxes, rtol=1e-4)
    trainable, _ = by_kind(parameters(UNEQUAL))
    gradients = tape.gradient(loss.total, [variables[parameter.name] for parameter in trainable])
    expected = to_torch({p.name: g.numpy() for p, g in zip(trainable, gradients, strict=True)}, trainable)
    actual = {name.removeprefix("gradient/"): values for name, values in found.items() if name.startswith("gradient/")}
    assert actual.keys() == expected.keys()
    norm = np.sqrt(sum((values**2).sum() for values in expected.values()))
    distance = np.sqrt(sum(((actual[name] - values) ** 2).sum() for name, values in expected.items()))
    assert distance < 1e-3 * norm


def test_a_few_training_steps_lower_the_loss(found: Arrays) -> None:
    course = found["course"]
    assert np.isfinite(course).all()
    assert course[-1] < 0.9 * course[0]
