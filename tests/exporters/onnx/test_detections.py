"""The exported detector finds in onnxruntime what the engine finds."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import tensorflow as tf

from exporters.onnx.detector import detection_model
from proxy_trainer.detection_batch import DetectionBatch
from proxy_trainer.engine.boxes import decode
from proxy_trainer.engine.detections import non_max_suppression
from proxy_trainer.engine.proxy_network import normalise
from proxy_trainer.engine.runtime import start
from proxy_trainer.engine.tensor_ops import TensorOps
from proxy_trainer.training.detectors import load_engine
from search_space.anchors import level_anchors
from search_space.architecture import Architecture
from search_space.detector import OCTAVE_SCALES
from search_space.detector_model import DetectorModel, Tensors
from search_space.document import BlockSpecification
from search_space.networks.retinanet import LEVELS, retinanet
from search_space.proxy_task import resolve
from tests.support.processes import THREADS
from tests.support.random_detectors import REPEATED, UNEQUAL, random_tensors
from tests.support.same_detections import assert_same_detections

ANCHOR_SIZE = 1.5
PX = UNEQUAL.input_px
SIZES = np.array([[64, 64], [40, 64], [64, 33]], np.int32)


@pytest.fixture(scope="module", autouse=True)
def _tensorflow() -> None:
    """The tests of the trainer need these settings in a process that runs TensorFlow."""
    start(THREADS)


def _pixels(count: int, size: tuple[int, int]) -> np.ndarray:
    """Noise; the first image is the darkest."""
    noise = np.random.default_rng(3).integers(0, 256, (count, *size, 3))
    return (noise * np.linspace(0.3, 1, count).reshape(-1, 1, 1, 1)).astype(np.uint8)


def _session(architecture: Architecture, tensors: Tensors, size: tuple[int, int]) -> onnxruntime.InferenceSession:
    model = detection_model(architecture, tensors, size, ANCHOR_SIZE, {})
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def _found(session: onnxruntime.InferenceSession, pixels: np.ndarray, sizes: np.ndarray) -> DetectionBatch:
    """The detections with boxes in the order of the engine."""
    names = ("boxes", "scores", "classes", "count")
    boxes, scores, classes, count = session.run(names, {"pixels": pixels, "sizes": sizes})
    assert boxes.shape == (len(pixels), 100, 4)
    return DetectionBatch(boxes[..., [1, 0, 3, 2]], scores, classes, count)


def _with_class_bias(tensors: Tensors, change: float) -> Tensors:
    name = "class/predict/pointwise/bias"
    return {**tensors, name: tensors[name] + np.float32(change)}


@pytest.mark.parametrize(
    ("bias", "fewest", "most"),
    [(0.0, 100, 100), (-10.5, 1, 99), (-30.0, 0, 0)],
    ids=["many", "few", "none"],
)
def test_the_detections_are_those_of_the_engine(bias: float, fewest: int, most: int) -> None:
    tensors = _with_class_bias(random_tensors(UNEQUAL), bias)
    model = DetectorModel(BlockSpecification(UNEQUAL, {}, anchor_size=ANCHOR_SIZE), tensors, "trained", 1)
    pixels = _pixels(3, (PX, PX))
    expected = load_engine(model, resolve("laptop-alone")).detect(pixels, SIZES)
    assert fewest <= expected.valid.min() <= expected.valid.max() <= most
    session = _session(UNEQUAL, tensors, (PX, PX))
    assert_same_detections(_found(session, pixels, SIZES), expected)
    assert_same_detections(
        _found(session, pixels[1:2], SIZES[1:2]), DetectionBatch(*(values[1:2] for values in expected))
    )


def test_the_detections_on_images_that_are_not_square_are_those_of_the_graph_of_the_engine() -> None:
    size, sizes, tensors = (75, 133), np.array([[75, 133], [50, 133]], np.int32), random_tensors(REPEATED)
    pixels = _pixels(2, size)
    outputs = retinanet(
        TensorOps({name: tf.constant(values) for name, values in tensors.items()}, training=False),
        REPEATED,
        normalise(tf.constant(pixels), tf.constant(sizes)),
    )
    codes, logits = (
        tf.concat([tf.reshape(maps[level], [2, -1, values]) for level in LEVELS], axis=1)
        for maps, values in ((outputs.boxes, 4), (outputs.class_logits, REPEATED.class_slots))
    )
    anchors = np.concatenate([level_anchors(size, level, ANCHOR_SIZE, OCTAVE_SCALES) for level in LEVELS])
    boxes = decode(codes, tf.constant(anchors, tf.float32), size)
    expected = DetectionBatch(*(values.numpy() for values in non_max_suppression(boxes, tf.sigmoid(logits))))
    assert expected.valid.tolist() == [100, 100]
    assert expected.boxes[..., 2].max() <= 75 < expected.boxes[..., 3].max() <= 133
    assert_same_detections(_found(_session(REPEATED, tensors, size), pixels, sizes), expected)


def test_what_is_beyond_an_image_does_not_matter() -> None:
    session = _session(UNEQUAL, random_tensors(UNEQUAL), (PX, PX))
    pixels = _pixels(3, (PX, PX))
    padded = pixels.copy()
    for image, (height, width) in enumerate(SIZES):
        padded[image, height:] = 0
        padded[image, :, width:] = 0
    assert np.any(padded != pixels)
    for one, two in zip(_found(session, pixels, SIZES), _found(session, padded, SIZES), strict=True):
        np.testing.assert_array_equal(one, two)
