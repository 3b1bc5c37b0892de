"""The Keras model of the engine benchmark is the same network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from proxy_trainer.benchmarks.engine_benchmark import random_batch
from proxy_trainer.benchmarks.keras_model import (
    KerasOps,
    compile_retinanet,
    keras_loss,
    keras_retinanet,
    keras_targets,
)
from proxy_trainer.engine.losses import detection_loss
from proxy_trainer.engine.targets import Targets
from proxy_trainer.engine.tensor_ops import TensorOps
from search_space.architecture import Architecture
from search_space.cost import cost_report, parameters
from search_space.networks.retinanet import LEVELS, retinanet
from search_space.parameters import Parameter
from search_space.proxy_task import resolve
from search_space.published import SP_EFFICIENTNET_B0

SMALL = {"divisor": 2, "subnet_width": 8, "subnet_layers": 2, "class_slots": 2}
# 96 px: sizes 12, 6, 3, 2, 1 at P3 to P7, two of them not half of the one before.
UNIFORM = SP_EFFICIENTNET_B0.scaled(0.1, input_px=96, **SMALL)
# Block 13 needs a projection into block 16 here.
UNEVEN = Architecture((40, 24, 56, 16, 104, 48, 120, 40, 120, 168, 96, 192, 136, 104, 40, 200, 136, 40)).scaled(
    0.1, input_px=96, **SMALL
)

PARTS = {
    "Conv2D": ("kernel", "bias"),
    "DepthwiseConv2D": ("kernel",),
    "BatchNormalization": ("scale", "offset", "mean", "variance"),
    "WeightedFusion": ("weights",),
}


def _random_values(found: list[Parameter]) -> dict[str, np.ndarray]:
    """Random nonzero values for every parameter, with positive variances."""
    rng = np.random.default_rng(1)
    return {
        p.name: rng.normal(0, 1 / np.sqrt(p.fan_in), p.shape) if len(p.shape) == 4 else rng.uniform(0.5, 1.5, p.shape)
        for p in found
    }


def _assign(model: Any, values: dict[str, np.ndarray]) -> None:
    """Assigns values by parameter name to a model, each exactly once."""
    unassigned = set(values)
    for layer in model.layers:
        if layer.weights:
            path = layer.name.replace(".", "/")
            names = [f"{path}/{part}" for part in PARTS[type(layer).__name__][: len(layer.weights)]]
            layer.set_weights([values[name] for name in names])
            unassigned -= set(names)
    assert unassigned == set()


@pytest.mark.slow
@pytest.mark.parametrize("architecture", [UNIFORM, UNEVEN], ids=["uniform", "uneven"])
def test_it_is_the_network_of_the_engine(architecture: Architecture) -> None:
    """It has the same parameters and, with equal values, the same predictions."""
    model = keras_retinanet(architecture)
    trainable = sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
    assert trainable == cost_report(architecture).params

    values = _random_values(parameters(architecture))
    _assign(model, values)
    images = np.random.default_rng(2).normal(size=(2, 96, 96, 3)).astype(np.float32)
    predictions = model(images, training=False).numpy()
    absent = {p.name: np.zeros((1, 1, 0, 0) if len(p.shape) == 4 else 0) for p in parameters(UNEVEN)}
    tensors = {name: tf.constant(value, tf.float32) for name, value in (absent | values).items()}
    ops = TensorOps(tensors, training=False)
    outputs = retinanet(ops, architecture, tf.constant(images))
    for first, last, by_level in ((0, 2, outputs.class_logits), (2, 6, outputs.boxes)):
        flat = [by_level[level].numpy().reshape(2, -1, last - first) for level in LEVELS]
        expected = np.concatenate(flat, axis=1)
        np.testing.assert_allclose(predictions[..., first:last], expected, rtol=1e-3, atol=1e-3 * expected.std())


def test_its_loss_is_the_engines() -> None:
    rng = np.random.default_rng(3)
    classes = tf.constant(rng.integers(-1, 2, (2, 50)), tf.int32)
    targets = Targets(classes, tf.constant(rng.normal(size=(2, 50, 4)), tf.float32))
    logits, codes = (tf.constant(rng.normal(size=(2, 50, values)), tf.float32) for values in (2, 4))
    loss = keras_loss(keras_targets(targets), tf.concat([logits, codes], axis=-1))
    assert float(loss) == pytest.approx(float(detection_loss(logits, codes, targets).total))


@pytest.mark.slow
def test_it_learns() -> None:
    tf.keras.utils.set_random_seed(1)
    task = resolve("smoke", image_px=64, width_multiplier=0.1, batch_size=2, learning_rate=0.05, subnet_width=4)
    model = compile_retinanet(task, task.architecture(SP_EFFICIENTNET_B0, 1), eager=True)
    images = (random_batch(task).pixels / 255.0).astype(np.float32)
    truth = np.zeros((2, model.output_shape[1], 5), np.float32)
    truth[:, ::2, 0] = -1  # every second anchor is background
    losses = [float(model.train_on_batch(images, truth)) for _ in range(8)]
    assert np.isfinite(losses).all()
    assert min(losses[4:]) < 0.97 * losses[0]


def test_stochastic_depth_drops_whole_branches() -> None:
    ops = KerasOps(bn_momentum=0.9, drop_rate=0.5)
    branch = tf.keras.Input((4, 4, 3))
    model = tf.keras.Model(branch, ops.drop_path(branch, 1.0))
    dropped = model(np.ones((64, 4, 4, 3), np.float32), training=True).numpy().reshape(64, -1)
    assert np.all(dropped == dropped[:, :1])
    assert set(np.unique(dropped)) == {0.0, 2.0}
