"""Assignment and sampling of anchors and regions for Mask R-CNN, on cases made by hand."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from proxy_trainer.tasks.anchor_sampling import sample_anchors
from proxy_trainer.tasks.region_sampling import SampledRegions, Truth, pairwise_iou, positive_regions, sample_regions

ANCHORS = np.array(
    [[0, 0, 10, 10], [0, 0, 10, 8], [0, 0, 10, 5], [0, 0, 10, 2], [20, 20, 30, 30], [26, 26, 36, 36]], np.float32
)
BOXES = np.array([[0, 0, 10, 10], [22, 22, 28, 28], [50, 50, 60, 60]], np.float32)


def sampled(boxes: np.ndarray, present: list[bool], count: int = 100, seed: int = 0) -> tuple[list[int], list[int]]:
    found = sample_anchors(ANCHORS, boxes, np.array(present), count, np.random.default_rng(seed))
    return found.labels.tolist(), found.matches.tolist()


def test_anchors_are_positive_above_0_7_or_as_the_best_of_a_box_and_negative_below_0_3() -> None:
    labels, matches = sampled(BOXES, [True, True, False])
    # Overlaps with the first box: 1, 0.8, 0.5, 0.2; the second box has its best anchor with 0.36.
    assert labels == [1, 1, -1, 0, 1, 0]
    assert (matches[0], matches[1], matches[4]) == (0, 0, 1)


def test_padding_is_no_box_and_an_image_without_boxes_has_negatives_only() -> None:
    assert sampled(BOXES, [False, False, False])[0] == [0] * 6
    # The third box overlaps with no anchor, so that none is the best.
    assert sampled(BOXES, [False, False, True])[0] == [0] * 6


def test_half_of_the_sampled_anchors_are_positive_at_most() -> None:
    drawn = set()
    for seed in range(20):
        labels, _ = sampled(BOXES, [True, True, False], count=2, seed=seed)
        assert (labels.count(1), labels.count(0)) == (1, 1)
        drawn.add(labels.index(1))
    assert drawn == {0, 1, 4}


def test_overlaps_of_boxes() -> None:
    first = tf.constant([[[0.0, 0.0, 10.0, 10.0], [5.0, 0.0, 15.0, 10.0], [0.0, 0.0, 0.0, 0.0]]])
    found = pairwise_iou(first, first)
    np.testing.assert_allclose(found[0], [[1, 1 / 3, 0], [1 / 3, 1, 0], [0, 0, 0]], rtol=1e-6)


CANDIDATES = [
    [[0, 0, 10, 10], [0, 0, 10, 6], [30, 30, 40, 40], [0, 0, 10, 4], [7, 7, 7, 9], [20, 20, 26, 26]],
    [[0, 0, 10, 10], [5, 5, 9, 9], [30, 30, 40, 40], [0, 0, 10, 4], [7, 7, 7, 9], [20, 20, 26, 26]],
]
TRUE_BOXES = [[[20, 20, 26, 26], [0, 0, 10, 10]], [[0, 0, 10, 10], [0, 0, 0, 0]]]
TRUE_CLASSES = [[3, 1], [0, 0]]
DRAWS = [[0.1, 0.9, 0.5, 0.6, 0.99, 0.2]] * 2


def regions_of(count: int, image_size: tuple[int, int] = (64, 64)) -> SampledRegions:
    truth = Truth(tf.constant(TRUE_BOXES, tf.float32), tf.constant(TRUE_CLASSES))
    return sample_regions(tf.constant(CANDIDATES, tf.float32), truth, tf.constant(DRAWS), count, image_size)


def test_positive_regions_come_first_and_unusable_ones_last() -> None:
    found = regions_of(8, (64, 48))
    # A quarter of eight may be positive: of three, those with the largest draws. Regions without an area are not used.
    np.testing.assert_array_equal(found.classes[0], [1, 3, 0, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(
        found.boxes[0][:4], [[0, 0, 10, 6], [20, 20, 26, 26], [0, 0, 10, 4], [30, 30, 40, 40]]
    )
    np.testing.assert_array_equal(found.weights[0], [1, 1, 1, 1, 0, 0, 0, 0])
    np.testing.assert_array_equal(found.matches[0][:2], [1, 0])
    np.testing.assert_array_equal(found.boxes[0][4:], [[0, 0, 64, 48]] * 4)


def test_without_objects_every_usable_region_is_background() -> None:
    found = regions_of(8)
    np.testing.assert_array_equal(found.classes[1], [0] * 8)
    np.testing.assert_array_equal(found.weights[1], [1, 1, 1, 1, 1, 0, 0, 0])


def test_fewer_regions_than_candidates() -> None:
    found = regions_of(4)
    np.testing.assert_array_equal(found.classes[0], [1, 0, 0, 0])
    np.testing.assert_array_equal(found.weights[0], [1, 1, 1, 0])


def test_missing_positives_repeat_others_without_weight() -> None:
    found = positive_regions(regions_of(8), 5)
    np.testing.assert_array_equal(found.classes[0], [1, 3, 1, 3, 1])
    np.testing.assert_array_equal(found.weights, [[1, 1, 0, 0, 0], [0, 0, 0, 0, 0]])
    np.testing.assert_array_equal(found.boxes[0][2], [0, 0, 10, 6])


@pytest.mark.parametrize("count", [4, 8, 80])
def test_every_value_is_finite(count: int) -> None:
    for values in regions_of(count):
        assert np.isfinite(np.asarray(values, np.float32)).all()
