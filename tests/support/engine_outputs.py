"""What the engine's interpreter computes, for comparisons with exported networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from proxy_trainer.engine.tensor_ops import TensorOps
from search_space.architecture import Architecture
from search_space.detector_model import DetectorModel
from search_space.document import BlockSpecification
from search_space.networks.retinanet import LEVELS, RetinaNetOutputs, retinanet
from tests.support.random_detectors import random_tensors

TOLERANCE = 1e-4
"""Of the largest value of the expected tensor."""

ANCHOR_SIZE = 2.0
SMALL, ODD = (66, 140), (75, 133)
"""Sizes of images that are not square, and are rounded up at most levels."""

Outputs = RetinaNetOutputs[np.ndarray]


def random_detector(architecture: Architecture) -> DetectorModel:
    """A detector with random weights."""
    specification = BlockSpecification(architecture, {}, anchor_size=ANCHOR_SIZE)
    return DetectorModel(specification, random_tensors(architecture), "trained", None)


def engine_outputs(
    model: DetectorModel, images: np.ndarray, *, training: bool = False
) -> tuple[Outputs, Mapping[str, tf.Tensor]]:
    """The predictions by level for normalised images, and in training the batch statistics."""
    tensors = {name: tf.constant(values) for name, values in model.tensors.items()}
    ops = TensorOps(tensors, training=training)
    outputs = retinanet(ops, model.architecture, tf.constant(images, tf.float32))
    maps = ({level: each.numpy() for level, each in by_level.items()} for by_level in outputs)
    return RetinaNetOutputs(*maps), ops.batch_statistics


def by_anchor(maps: Mapping[int, np.ndarray], values: int) -> np.ndarray:
    """Predictions by level as `[batch, anchors, values]`."""
    return np.concatenate([maps[level].reshape(len(maps[level]), -1, values) for level in LEVELS], axis=1)


def difference(actual: Any, expected: np.ndarray) -> float:
    """The largest difference of two tensors of one shape, over the largest expected value."""
    assert np.shape(actual) == expected.shape
    return float(np.abs(np.asarray(actual) - expected).max() / np.abs(expected).max())


def assert_close(actual: Any, expected: np.ndarray, tolerance: float = TOLERANCE) -> None:
    """Asserts that no value differs by more than the tolerance; NaN does."""
    found = difference(actual, expected)
    assert found <= tolerance, found
