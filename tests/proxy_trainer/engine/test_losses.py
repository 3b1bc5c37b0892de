"""Focal and Huber loss compared with their formulas."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from proxy_trainer.engine.losses import detection_loss, focal_loss
from proxy_trainer.engine.targets import Targets
from search_space.detector import BOX_LOSS_WEIGHT, FOCAL_ALPHA, FOCAL_GAMMA, HUBER_DELTA


def test_focal_loss_is_its_formula() -> None:
    logits = np.linspace(-8, 8, 33)
    p = 1 / (1 + np.exp(-logits))
    for label, truth, alpha in ((1.0, p, FOCAL_ALPHA), (0.0, 1 - p, 1 - FOCAL_ALPHA)):
        expected = -alpha * (1 - truth) ** FOCAL_GAMMA * np.log(truth)
        found = focal_loss(tf.constant(logits), tf.constant(np.full(33, label))).numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_focal_loss_has_finite_gradients_at_extreme_logits() -> None:
    logits = tf.constant([-1e4, -50.0, 0.0, 50.0, 1e4])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = tf.reduce_sum(focal_loss(logits, tf.constant([1.0, 0.0, 1.0, 0.0, 1.0])))
    assert np.isfinite(loss.numpy())
    assert np.all(np.isfinite(tape.gradient(loss, logits).numpy()))


def test_box_loss_is_huber_over_positive_anchors_only() -> None:
    targets = Targets(tf.constant([[0, -1]]), tf.zeros([1, 2, 4]))
    codes = np.zeros((1, 2, 4), np.float32)
    codes[0, 0] = [0.05, -0.5, 0, 0]  # inside and outside delta
    codes[0, 1] = 100.0  # background: ignored
    loss = detection_loss(tf.zeros([1, 2, 1]), tf.constant(codes), targets)
    expected = 0.5 * 0.05**2 + HUBER_DELTA * (0.5 - 0.5 * HUBER_DELTA)
    np.testing.assert_allclose(loss.boxes, expected / (4 * 2), rtol=1e-5)
    np.testing.assert_allclose(loss.total, loss.classes + BOX_LOSS_WEIGHT * loss.boxes, rtol=1e-6)


def test_class_loss_sums_over_classes_and_anchors_per_positive() -> None:
    targets = Targets(tf.constant([[1, -1, -1]]), tf.zeros([1, 3, 4]))
    loss = detection_loss(tf.zeros([1, 3, 2]), tf.zeros([1, 3, 4]), targets)
    one = np.log(2) * 0.5**FOCAL_GAMMA
    expected = (FOCAL_ALPHA + 5 * (1 - FOCAL_ALPHA)) * one / 2
    np.testing.assert_allclose(loss.classes, expected, rtol=1e-5)
