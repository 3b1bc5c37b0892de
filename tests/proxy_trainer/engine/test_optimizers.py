"""Each optimiser compared with its algorithm, value by value."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf

from proxy_trainer.engine.optimizers import OptimizerState, optimizer_step
from search_space.proxy_task import resolve

GRADIENTS = np.array([[1.0, -2.0, 0.0], [0.5, 3.0, 0.0], [-4.0, 0.1, 2.0]], np.float32)
DECAY = np.array([0.1, 0.0, 0.1], np.float32)
RATE = 0.01


def _run(optimizer: str) -> np.ndarray:
    """The weights after three steps from 1, 2, 3."""
    task = resolve("laptop", optimizer=optimizer, momentum=0.9, second_moment_decay=0.99)
    weights = tf.constant([1.0, 2.0, 3.0])
    state = OptimizerState(tf.zeros(3), tf.zeros(0 if optimizer == "sgd" else 3))
    for step, gradient in enumerate(GRADIENTS):
        weights, state = optimizer_step(
            task, weights, tf.constant(gradient), state, tf.constant(DECAY), tf.constant(RATE), tf.constant(step)
        )
    return np.asarray(weights)


def test_sgd_is_momentum_with_decay_in_the_gradient() -> None:
    expected = []
    for index, start in enumerate((1.0, 2.0, 3.0)):
        weight, velocity = start, 0.0
        for gradient in GRADIENTS[:, index].tolist():
            velocity = 0.9 * velocity + gradient + float(DECAY[index]) * weight
            weight -= RATE * velocity
        expected.append(weight)
    np.testing.assert_allclose(_run("sgd"), expected, rtol=1e-6)


def test_adamw_divides_by_the_corrected_deviation_and_decays_beside_the_step() -> None:
    expected = []
    for index, start in enumerate((1.0, 2.0, 3.0)):
        weight, mean, square = start, 0.0, 0.0
        for step, gradient in enumerate(GRADIENTS[:, index].tolist(), start=1):
            mean = 0.9 * mean + 0.1 * gradient
            square = 0.99 * square + 0.01 * gradient**2
            corrected, deviation = mean / (1 - 0.9**step), math.sqrt(square / (1 - 0.99**step))
            weight -= RATE * (corrected / (deviation + 1e-8) + float(DECAY[index]) * weight)
        expected.append(weight)
    np.testing.assert_allclose(_run("adamw"), expected, rtol=1e-5)


def test_rmsprop_divides_by_the_root_of_the_averaged_squares_before_its_momentum() -> None:
    expected = []
    for index, start in enumerate((1.0, 2.0, 3.0)):
        weight, velocity, square = start, 0.0, 0.0
        for gradient in GRADIENTS[:, index].tolist():
            gradient += float(DECAY[index]) * weight
            square = 0.99 * square + 0.01 * gradient**2
            velocity = 0.9 * velocity + RATE * gradient / math.sqrt(square + 1e-3)
            weight -= velocity
        expected.append(weight)
    np.testing.assert_allclose(_run("rmsprop"), expected, rtol=1e-5)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "rmsprop"])
def test_a_weight_without_gradient_or_decay_is_unchanged(optimizer: str) -> None:
    task = resolve("laptop", optimizer=optimizer)
    state = OptimizerState(tf.zeros(1), tf.zeros(0 if optimizer == "sgd" else 1))
    weights, _ = optimizer_step(task, tf.ones(1), tf.zeros(1), state, tf.zeros(1), tf.constant(0.1), tf.constant(0))
    assert weights.numpy().tolist() == [1.0]
