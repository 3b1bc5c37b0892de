"""Segmentation: views of labels, the loss and the metric by their definitions, and that a small network learns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from proxy_trainer.data.label_maps import Confusion, resize_labelled, view_labels
from proxy_trainer.data.views import Views, sampled_view
from proxy_trainer.tasks.segmentation import pixel_cross_entropy
from search_space.task_model import load_task_model
from tests.support.small_tasks import TINY, digits_for, learn, small_trainee, trained


def views(scale: float, origin: tuple[float, float], flipped: bool) -> Views:
    return Views(np.array([scale], np.float32), np.array([origin], np.float32), np.array([flipped]))


def test_mean_iou_of_a_hand_made_case() -> None:
    truth = np.array([[0, 0, 1, 1], [0, 255, 1, 2]], np.uint8)
    predicted = np.array([[0, 1, 1, 1], [0, 2, 0, 1]], np.uint8)
    confusion = Confusion(4)
    confusion.add(truth, predicted)
    # Class 0: 2 of 4 pixels; class 1: 2 of 5; class 2: 0 of 1, as its other prediction is where nothing counts.
    assert confusion.iou() == [2 / 4, 2 / 5, 0.0, None]
    assert confusion.mean_iou() == pytest.approx((0.5 + 0.4 + 0.0) / 3)
    assert confusion.accuracy() == pytest.approx(4 / 7)


def test_iou_is_summed_over_images_before_it_is_divided() -> None:
    confusion = Confusion(2)
    confusion.add(np.array([[1, 1, 1, 0]], np.uint8), np.array([[1, 1, 1, 0]], np.uint8))
    confusion.add(np.array([[1, 0, 0, 0]], np.uint8), np.array([[0, 0, 0, 0]], np.uint8))
    assert confusion.iou() == [4 / 5, 3 / 4]


@pytest.mark.parametrize("view", [views(1.0, (0, 0), True), views(2.0, (5, 9), False), views(0.5, (0, 0), True)])
def test_labels_are_seen_where_their_pixels_are(view: Views) -> None:
    labels = np.zeros((16, 16), np.uint8)
    labels[3:9, 5:12] = 1
    seen = view_labels(labels, view, 0)
    pixels = sampled_view(np.repeat(labels[..., None] * np.uint8(200), 3, axis=2), view, 0)[..., 0]
    counted = seen != 255
    # Away from edges, which pixels blend, both agree.
    clear = counted & ((pixels == 0) | (pixels == 200))
    np.testing.assert_array_equal(seen[clear] == 1, pixels[clear] == 200)
    assert (seen == 1).sum() > 0
    outside = int(16 * 16 * (1 - min(1.0, float(view.scale[0])) ** 2))
    assert (~counted).sum() == outside


def test_padding_of_labels_is_ignored() -> None:
    pixels, labels = np.zeros((10, 20, 3), np.uint8), np.full((10, 20), 3, np.uint8)
    _, padded = resize_labelled(pixels, labels, 40)
    assert (padded[:20] == 3).all()
    assert (padded[20:] == 255).all()


def test_the_loss_is_the_mean_cross_entropy_of_counted_pixels() -> None:
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(2, 3, 5, 4)).astype(np.float32)
    labels = generator.integers(0, 4, (2, 3, 5)).astype(np.uint8)
    labels[0, :2] = 255
    log_probabilities = logits - np.log(np.exp(logits.astype(np.float64)).sum(axis=-1, keepdims=True))
    rows, columns, places = np.nonzero(labels != 255)
    expected = -log_probabilities[rows, columns, places, labels[rows, columns, places]].mean()
    np.testing.assert_allclose(
        float(pixel_cross_entropy(tf.constant(logits), tf.constant(labels))), expected, rtol=1e-5
    )
    assert float(pixel_cross_entropy(tf.constant(logits), tf.fill(labels.shape, tf.constant(255, tf.uint8)))) == 0.0


@pytest.mark.slow
def test_two_trainings_and_a_loaded_model_give_the_same_bits(tmp_path: Path) -> None:
    digits = digits_for("semantic-segmentation", tmp_path / "digits", train=6, val=3)
    trainee = small_trainee("semantic-segmentation", digits, tmp_path, **TINY)
    trained(trainee)
    state = trainee.state()
    again = small_trainee("semantic-segmentation", digits, tmp_path, **TINY)
    trained(again)
    for name, values in again.state().items():
        np.testing.assert_array_equal(values, state[name])
    metrics = trainee.evaluate()
    assert metrics.keys() == {"miou", "pixel_accuracy", "iou_background", "iou_digit"}
    assert metrics == again.evaluate()
    trainee.save(tmp_path / "model", metrics)
    tensors = load_task_model(tmp_path / "model").tensors
    loaded = small_trainee("semantic-segmentation", digits, tmp_path, start=tensors, seed=5, **TINY)
    assert loaded.evaluate() == metrics


@pytest.mark.slow
def test_a_small_network_learns_to_segment_digits(tmp_path: Path) -> None:
    _, metrics = learn("semantic-segmentation", tmp_path)
    assert metrics["miou"] is not None
    assert metrics["iou_digit"] is not None
    # A network that finds the background alone has an IoU of 0 for digits, and a mean below a half.
    assert metrics["miou"] > 0.55
    assert metrics["iou_digit"] > 0.25
