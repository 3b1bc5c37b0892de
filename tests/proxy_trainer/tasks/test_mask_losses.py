"""The losses of Mask R-CNN and its mask targets, compared with NumPy and with masks made by hand."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from proxy_trainer.tasks.mask_losses import (
    MASK_SIDE,
    mask_loss,
    mask_targets,
    proposal_losses,
    region_losses,
    smooth_l1,
)
from proxy_trainer.tasks.region_sampling import SampledRegions

RANDOM = np.random.default_rng(0)


def encoded(box: np.ndarray, anchor: np.ndarray) -> np.ndarray:
    centres = [(each[:2] + each[2:]) / 2 for each in (box, anchor)]
    sides = [each[2:] - each[:2] for each in (box, anchor)]
    return np.concatenate([(centres[0] - centres[1]) / sides[1], np.log(sides[0] / sides[1])])


def smooth(error: np.ndarray, beta: float) -> np.ndarray:
    return np.where(np.abs(error) < beta, 0.5 * error**2 / beta, np.abs(error) - 0.5 * beta)


def cross_entropy(logits: np.ndarray, label: int) -> float:
    return float(np.log(np.exp(logits).sum()) - logits[label])


def test_smooth_l1() -> None:
    errors = np.array([-3.0, -0.2, 0.0, 0.1, 0.5, 2.0], np.float32)
    for beta in (1 / 9, 1.0):
        np.testing.assert_allclose(smooth_l1(tf.constant(errors), beta), smooth(errors, beta), rtol=1e-5)


def test_proposal_losses_are_means_over_the_sampled_anchors() -> None:
    anchors = np.array([[0, 0, 8, 8], [4, 4, 12, 16], [0, 8, 8, 24]], np.float32)
    boxes = np.array([[[1, 1, 9, 9], [2, 9, 8, 20]]], np.float32)
    logits = RANDOM.normal(size=(1, 3)).astype(np.float32)
    codes = RANDOM.normal(size=(1, 3, 4)).astype(np.float32)
    labels, matches = np.array([[0, -1, 1]], np.int8), np.array([[0, 0, 1]], np.int16)
    found = proposal_losses(*(tf.constant(each) for each in (logits, codes, anchors, boxes, labels, matches)))
    probabilities = 1 / (1 + np.exp(-logits[0]))
    objectness = (-np.log(1 - probabilities[0]) - np.log(probabilities[2])) / 2
    error = codes[0, 2] - encoded(boxes[0, 1], anchors[2])
    np.testing.assert_allclose([float(each) for each in found], [objectness, smooth(error, 1 / 9).sum() / 2], rtol=1e-5)


def test_region_losses_take_the_codes_of_the_true_class() -> None:
    regions = np.array([[[0, 0, 8, 8], [4, 4, 12, 16], [0, 0, 32, 32]]], np.float32)
    boxes = np.array([[[1, 1, 9, 9], [4, 5, 12, 14]]], np.float32)
    sampled = SampledRegions(
        tf.constant(regions), tf.constant([[2, 0, 0]]), tf.constant([[1, 0, 0]]), tf.constant([[1.0, 1.0, 0.0]])
    )
    logits = RANDOM.normal(size=(1, 3, 3)).astype(np.float32)
    codes = RANDOM.normal(size=(1, 3, 3, 4)).astype(np.float32)
    found = region_losses(tf.constant(logits), tf.constant(codes), tf.constant(boxes), sampled)
    classes = (cross_entropy(logits[0, 0], 2) + cross_entropy(logits[0, 1], 0)) / 2
    error = (codes[0, 0, 2] - encoded(boxes[0, 1], regions[0, 0])) * np.array([10, 10, 5, 5])
    np.testing.assert_allclose([float(each) for each in found], [classes, smooth(error, 1.0).sum() / 2], rtol=1e-5)


def test_losses_and_gradients_are_finite_without_objects() -> None:
    regions = tf.constant([[[0.0, 0.0, 8.0, 8.0]]])
    nothing = SampledRegions(regions, tf.constant([[0]]), tf.constant([[0]]), tf.constant([[1.0]]))
    logits, codes, masks = tf.Variable(tf.zeros((1, 1, 2))), tf.Variable(tf.ones((1, 1, 2, 4))), tf.ones((1, 1, 4, 4))
    with tf.GradientTape() as tape:
        loss = sum(region_losses(logits, codes, tf.zeros((1, 1, 4)), nothing))
    assert all(np.isfinite(each).all() for each in tape.gradient(loss, [logits, codes]))
    assert np.isfinite(mask_targets(masks, tf.zeros((1, 1, 4)), nothing)).all()


def test_mask_loss_takes_the_map_of_the_true_class() -> None:
    logits = RANDOM.normal(size=(1, 2, MASK_SIDE, MASK_SIDE, 3)).astype(np.float32)
    targets = RANDOM.integers(0, 2, (1, 2, MASK_SIDE, MASK_SIDE)).astype(np.float32)
    positives = SampledRegions(
        tf.zeros((1, 2, 4)), tf.constant([[2, 1]]), tf.constant([[0, 0]]), tf.constant([[1.0, 0.0]])
    )
    signed = np.where(targets[0, 0] == 1, -logits[0, 0, ..., 2], logits[0, 0, ..., 2])
    expected = np.log1p(np.exp(signed.astype(np.float64))).mean()
    found = mask_loss(tf.constant(logits), tf.constant(targets), positives)
    np.testing.assert_allclose(float(found), expected, rtol=1e-5)


def test_mask_targets_are_the_part_of_the_mask_in_the_region() -> None:
    # The object fills the left half of its box, which is at rows 8 to 64 and columns 10 to 122.
    mask = np.zeros((1, 2, 56, 56), np.float32)
    mask[0, 1, :, :28] = 1.0
    boxes = tf.constant([[[0, 0, 1, 1], [8, 10, 64, 122]]], tf.float32)
    regions = tf.constant([[[8, 10, 64, 122], [8, 38, 36, 94], [8, 10, 64, 38], [-48, -102, 120, 234]]], tf.float32)
    positives = SampledRegions(regions, tf.ones((1, 4), tf.int32), tf.ones((1, 4), tf.int32), tf.ones((1, 4)))
    found = np.asarray(mask_targets(tf.constant(mask), boxes, positives))[0]
    left = np.zeros((MASK_SIDE, MASK_SIDE))
    left[:, : MASK_SIDE // 2] = 1
    np.testing.assert_array_equal(found[0], left)
    np.testing.assert_array_equal(found[1], left)
    np.testing.assert_array_equal(found[2], np.ones((MASK_SIDE, MASK_SIDE)))
    # The last region is three times as large as the box, which is its middle.
    rows, columns = np.nonzero(found[3])
    third = MASK_SIDE / 3
    assert (rows.min(), rows.max()) == (round(third), round(2 * third) - 1)
    assert (columns.min(), columns.max()) == (round(third), round(1.5 * third) - 1)
