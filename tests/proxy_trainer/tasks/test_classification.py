"""Classification: the loss and the metric by their definitions, and that a small network learns digits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from proxy_trainer.tasks.classification import DropoutOps, smoothed_cross_entropy
from proxy_trainer.tasks.classifier import top_accuracy
from tests.support.small_tasks import learn

LOGITS = np.array([[2.0, 1.0, -1.0, 0.0], [0.0, 0.5, 0.5, -2.0], [1.0, 1.0, 1.0, 1.0]], np.float32)
LABELS = np.array([0, 2, 3], np.int32)


def test_the_loss_is_the_cross_entropy_with_smoothed_labels() -> None:
    shifted = LOGITS.astype(np.float64) - LOGITS.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    targets = np.full((3, 4), 0.2 / 4)
    targets[np.arange(3), LABELS] += 0.8
    expected = -(targets * log_probabilities).sum(axis=1).mean()
    found = smoothed_cross_entropy(tf.constant(LOGITS), tf.constant(LABELS), 0.2)
    np.testing.assert_allclose(float(found), expected, rtol=1e-6)


def test_accuracy_counts_labels_among_the_best_and_breaks_ties_by_class() -> None:
    # Ranks of the labels: first; second, after class 1 with the same logit; fourth of four equal ones.
    assert [top_accuracy(LOGITS, LABELS, count) for count in (1, 2, 3, 4)] == [1 / 3, 2 / 3, 2 / 3, 1.0]


def test_dropout_scales_the_features_of_the_classifier_alone() -> None:
    kernels = {f"{name}/kernel": tf.eye(1000)[None, None] for name in ("classifier", "head")}
    ops = DropoutOps(kernels, training=True, path_seed=tf.constant([0, 1]), dropout=0.25)
    x = tf.ones([2, 1, 1, 1000])
    np.testing.assert_array_equal(ops.conv(x, 1000, "head"), x)
    found = np.asarray(ops.conv(x, 1000, "classifier"))
    assert sorted(set(found.ravel().tolist())) == pytest.approx([0.0, 1 / 0.75])
    assert 0.2 < np.mean(found == 0) < 0.3
    assert not np.array_equal(found[0], found[1])


@pytest.mark.slow
def test_a_small_network_learns_digits(tmp_path: Path) -> None:
    _, metrics = learn("classification", tmp_path)
    assert metrics["top1"] is not None
    assert metrics["top1"] > 0.35, "chance is 0.1"
