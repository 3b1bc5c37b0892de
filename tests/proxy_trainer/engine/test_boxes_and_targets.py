"""Overlap, box codes, and the targets of anchors."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from proxy_trainer.engine.boxes import decode, encode
from proxy_trainer.engine.targets import match_anchors, targets_of

ANCHORS = np.array([[0, 0, 10, 10], [0, 10, 10, 20], [20, 20, 40, 40], [50, 50, 60, 60]], np.float32)

side = st.floats(2, 40, width=32)
corner = st.floats(0, 60, width=32)


@pytest.mark.parametrize(("right", "positive"), [(20.0, True), (20.1, False)])
def test_an_iou_of_one_half_is_positive(right: float, positive: bool) -> None:
    """The box covers both anchors: one is its best anchor, the other is positive only at an IoU of 0.5 or more."""
    boxes = np.array([[[0, 0, 10, right]]], np.float32)
    matches = match_anchors(ANCHORS[:2], boxes, np.zeros((1, 1), np.int32))
    assert matches[0].tolist() == ([0, 0] if positive else [0, -1])


@given(corner, corner, side, side)
def test_codes_decode_to_the_box(y: float, x: float, height: float, width: float) -> None:
    box = np.array([[y, x, y + height, x + width]], np.float32)
    for anchor in ANCHORS:
        decoded = decode(encode(box, anchor[None]), anchor[None], (128, 128)).numpy()
        np.testing.assert_allclose(decoded, box, atol=2e-3)


def test_extreme_codes_decode_to_boxes_inside_the_image() -> None:
    codes = np.array([[[1e3, -1e3, 50.0, 50.0]]], np.float32)
    decoded = decode(codes, ANCHORS[:1], (64, 64)).numpy()
    assert np.all((decoded >= 0) & (decoded <= 64))


def _targets(boxes: list[list[float]], classes: list[int]) -> tuple[np.ndarray, np.ndarray]:
    batch = np.array([boxes], np.float32), np.array([classes], np.int32)
    found = targets_of(tf.constant(ANCHORS), *batch, match_anchors(ANCHORS, *batch))
    return found.classes.numpy()[0], found.codes.numpy()[0]


def test_anchors_with_enough_overlap_are_positive_and_the_others_background() -> None:
    classes, codes = _targets([[0, 0, 10, 10], [20, 20, 40, 38]], [3, 1])
    assert classes.tolist() == [3, -1, 1, -1]
    np.testing.assert_allclose(codes[0], 0, atol=1e-6)
    np.testing.assert_allclose(codes[2], [0, -0.05, 0, np.log(0.9)], atol=1e-6)


def test_a_box_without_a_fitting_anchor_is_matched_with_its_best_one() -> None:
    classes, _ = _targets([[50, 50, 53, 53]], [2])
    assert classes.tolist() == [-1, -1, -1, 2]


def test_a_forced_match_has_priority_over_a_box_with_more_overlap() -> None:
    """Anchor 3 overlaps the second box most, but it is the only anchor of the first."""
    classes, _ = _targets([[50, 50, 54, 54], [50, 50, 60, 60]], [7, 8])
    assert classes.tolist() == [-1, -1, -1, 7]


@pytest.mark.parametrize("padding", [0, 1, 5])
def test_padding_matches_nothing(padding: int) -> None:
    classes, codes = _targets([[0, 0, 10, 10]] + [[0, 0, 0, 0]] * padding, [0] + [-1] * padding)
    assert classes.tolist() == [0, -1, -1, -1]
    assert np.all(np.isfinite(codes))


def test_an_image_without_boxes_is_all_background() -> None:
    classes, codes = _targets([[0, 0, 0, 0]], [-1])
    assert np.all(classes == -1)
    assert np.all(np.isfinite(codes))


def test_a_box_without_any_overlap_is_not_matched() -> None:
    classes, _ = _targets([[100, 100, 110, 110]], [0])
    assert np.all(classes == -1)
