"""The operations of two-stage detectors: proposals, detections and crops; and a whole Mask R-CNN."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_sample_image

from proxy_trainer.engine.proxy_network import normalise
from proxy_trainer.engine.region_ops import TensorRegionOps
from proxy_trainer.engine.tensor_network import TensorNetwork
from search_space.catalogue import Model
from search_space.networks.mask_rcnn import MaskRcnnOutputs, Regions, mask_rcnn
from search_space.published import EFF_SPINENETS
from tests.support.numpy_ops import Array, NumpyOps

IMAGE_SIZE = (128, 192)
LEVELS = (3, 4, 5, 6, 7)
# An anchor by its position in the predictions: level, row, column, index of the aspect ratio (height over width).
Anchor = tuple[int, int, int, int]
SQUARE: Anchor = (4, 2, 3, 1)
SQUARE_BOX = [40 - 32, 56 - 32, 40 + 32, 56 + 32]
"""At level 4 the centre of row 2 and column 3 is (40, 56), and anchors are 4 strides of 16 px wide."""
NEXT_TO_SQUARE: Anchor = (4, 2, 4, 1)


def _map_size(image_size: tuple[int, int], level: int) -> tuple[int, int]:
    return math.ceil(image_size[0] / 2**level), math.ceil(image_size[1] / 2**level)


def _propose(
    images: list[dict[Anchor, float]],
    count: int,
    codes: dict[Anchor, list[float]] | None = None,
    image_size: tuple[int, int] = IMAGE_SIZE,
) -> Array:
    """Proposals for images whose given anchors have this objectness and all others a very low one."""
    sizes = {level: (len(images), *_map_size(image_size, level)) for level in LEVELS}
    objectness = {level: np.full((*size, 3), -9.0, np.float32) for level, size in sizes.items()}
    box_codes = {level: np.zeros((*size, 3, 4), np.float32) for level, size in sizes.items()}
    for index, anchors in enumerate(images):
        for (level, row, column, ratio), value in anchors.items():
            objectness[level][index, row, column, ratio] = value
    for (level, row, column, ratio), code in (codes or {}).items():
        box_codes[level][:, row, column, ratio] = code
    flat = {level: tf.constant(each.reshape(*each.shape[:3], 12)) for level, each in box_codes.items()}
    ops = TensorRegionOps({}, training=False)
    tensors = {level: tf.constant(each) for level, each in objectness.items()}
    return ops.propose(tensors, flat, image_size, count).numpy()


def test_the_best_anchor_of_each_image_is_proposed_first() -> None:
    tall: Anchor = (3, 5, 7, 2)  # around (44, 60), 32 px to either side of the square root of 2
    proposals = _propose([{SQUARE: 4.0}, {SQUARE: 1.0, tall: 2.0}], 10)
    assert proposals.shape == (2, 10, 4)
    np.testing.assert_allclose(proposals[0, 0], SQUARE_BOX, rtol=1e-5)
    half_height, half_width = 16 * math.sqrt(2), 16 / math.sqrt(2)
    expected = [44 - half_height, 60 - half_width, 44 + half_height, 60 + half_width]
    np.testing.assert_allclose(proposals[1, :2], [expected, SQUARE_BOX], rtol=1e-5)


def test_a_proposal_is_its_anchor_moved_by_its_code_and_clipped_to_the_image() -> None:
    """A quarter of 64 px down, a half to the left, as high, twice as wide: from -40 to 88 before the cut."""
    proposals = _propose([{SQUARE: 4.0}], 3, {SQUARE: [0.25, -0.5, 0.0, math.log(2)]})
    np.testing.assert_allclose(proposals[0, 0], [24, 0, 88, 88], rtol=1e-5)


def test_of_overlapping_proposals_the_better_one_is_kept() -> None:
    other: Anchor = (3, 14, 20, 1)
    images = [{SQUARE: 2.0, NEXT_TO_SQUARE: 3.0, other: 1.0}]
    same = _propose(images, 2, {NEXT_TO_SQUARE: [0.0, -0.25, 0.0, 0.0]})
    np.testing.assert_allclose(same[0], [SQUARE_BOX, [100, 148, 128, 180]], rtol=1e-5)
    # Without codes the anchors are 16 px apart: their IoU of 0.6 is low enough to keep both.
    next_box = [8, 40, 72, 104]
    np.testing.assert_allclose(_propose(images, 2)[0], [next_box, SQUARE_BOX], rtol=1e-5)


def test_unused_proposals_are_zero() -> None:
    """The image has one position per level, and each of its fifteen anchors covers it."""
    proposals = _propose([{}, {}], 4, image_size=(8, 8))
    np.testing.assert_array_equal(proposals, [[[0, 0, 8, 8]] + [[0] * 4] * 3] * 2)


REGION_A, REGION_B, EMPTY = [10, 20, 50, 80], [60, 60, 100, 120], [0, 0, 0, 0]
NO = [0.0] * 4
NEVER = -30.0
"""A logit with a probability of practically zero."""


def _detect(regions: list[list[Any]], codes: list[list[list[float]]], logits: list[list[float]], count: int) -> Array:
    """Detections of a batch of two: an image with these regions, and one with them in reverse order."""
    boxes, class_logits, box_codes = (np.array([each, each[::-1]], np.float32) for each in (regions, logits, codes))
    classes = class_logits.shape[-1]
    ops = TensorRegionOps({}, training=False)
    found = ops.detect(
        tf.constant(boxes),
        tf.constant(class_logits.reshape(-1, 1, 1, classes)),
        tf.constant(box_codes.reshape(-1, 1, 1, 4 * classes)),
        IMAGE_SIZE,
        count,
    ).numpy()
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6)
    assert found.shape == (2, count, 6)
    return found[0]


def test_a_detection_is_a_refined_region_with_score_and_class() -> None:
    wrong = [9.0, 9.0, 9.0, 9.0]
    found = _detect(
        [REGION_A, REGION_B, [5, 5, 30, 30], EMPTY],
        [
            [wrong, wrong, [0.1, 0.0, 0.0, 0.0]],
            [wrong, [0.0, 0.5, 0.0, math.log(3)], wrong],
            [NO, NO, NO],
            [NO, NO, NO],
        ],
        [[0.0, NEVER, 2.0], [0.5, 1.0, NEVER], [20.0, NEVER, NEVER], [NEVER, NEVER, 9.0]],
        5,
    )
    first, second = 1 / (1 + math.exp(-2)), 1 / (1 + math.exp(-0.5))
    expected = [[14, 20, 54, 80, first, 2], [60, 30, 100, 192, second, 1], *[[0] * 6] * 3]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_detections_suppress_each_other_within_a_class_only() -> None:
    logits = [[0.0, 3.0, NEVER], [0.0, 2.0, NEVER], [0.0, NEVER, 1.0]]
    found = _detect([REGION_A, REGION_A, REGION_A], [[NO] * 3] * 3, logits, 4)
    assert found[:, 5].tolist() == [1, 2, 0, 0]
    np.testing.assert_allclose(found[:2, :4], [REGION_A] * 2, rtol=1e-5)


def test_the_best_detections_are_kept_in_order() -> None:
    regions = [[20 * k, 0, 20 * k + 15, 30] for k in range(5)]
    logits = [[0.0, float(value)] for value in (2, 4, 1, 5, 3)]
    found = _detect(regions, [[NO] * 2] * 5, logits, 3)
    np.testing.assert_allclose(found[:, 0], [60, 20, 80])
    np.testing.assert_allclose(found[:, 4], 1 / (1 + np.exp(-np.array([5.0, 4, 3]))), rtol=1e-5)


def test_a_crop_of_a_map_of_coordinates_has_the_centres_of_its_bins() -> None:
    """Bilinear sampling is exact on a linear map; both regions are inside it, one at level 3 and one at level 4."""
    features = {}
    for level in LEVELS:
        height, width = _map_size((400, 600), level)
        y, x = np.meshgrid(np.arange(height) + 0.5, np.arange(width) + 0.5, indexing="ij")
        features[level] = tf.constant(np.stack([y, x, 0 * x + 1], axis=-1)[None] * 2**level, tf.float32)
    boxes = np.array([[[20, 30, 90, 177], [50, 40, 330, 320]]], np.float32)
    crops = TensorRegionOps({}, training=False).roi_align(features, tf.constant(boxes), 7).numpy()
    assert crops.shape == (2, 7, 7, 3)
    centres = (np.arange(7) + 0.5) / 7
    for crop, (y1, x1, y2, x2), level in zip(crops, boxes[0], (3, 4), strict=True):
        np.testing.assert_allclose(crop[:, :, 0], np.tile(y1 + centres[:, None] * (y2 - y1), (1, 7)), rtol=1e-5)
        np.testing.assert_allclose(crop[:, :, 1], np.tile(x1 + centres * (x2 - x1), (7, 1)), rtol=1e-5)
        np.testing.assert_allclose(crop[:, :, 2], 2**level)


@pytest.mark.parametrize("size", [7, 14])
def test_crops_of_every_level_equal_the_reference(size: int) -> None:
    """Regions of all sizes, including those at which the level changes, also beyond the border and with scores."""
    rng = np.random.default_rng(0)
    features = {
        level: rng.normal(size=(2, *_map_size((1000, 1900), level), 2)).astype(np.float32).astype(float)
        for level in LEVELS
    }
    sides = [0, 1, 30, 111.9, 112, 223.9, 224, 300, 447.9, 448, 896, 1791, 1792, 2500]
    corners = rng.uniform(-200, 600, (2, len(sides), 2))
    stretch = np.array([0.8, 1 / 0.8]) * np.array(sides)[:, None]
    stretch[3:] = np.array(sides)[3:, None]  # square near a change of level, so that the size is exact
    boxes = np.concatenate([corners.round(), corners.round() + stretch, rng.uniform(size=(2, len(sides), 2))], axis=-1)
    boxes = boxes.astype(np.float32).astype(float)
    tensors = {level: tf.constant(each, tf.float32) for level, each in features.items()}
    crops = TensorRegionOps({}, training=False).roi_align(tensors, tf.constant(boxes, tf.float32), size).numpy()
    expected = NumpyOps({}, training=False).roi_align(features, boxes, size)
    assert crops.shape == (2 * len(sides), size, size, 2)
    np.testing.assert_allclose(crops, expected, atol=2e-4)


def _tensors(values: dict[str, Array]) -> dict[str, tf.Tensor]:
    return {name: tf.constant(value, tf.float32) for name, value in values.items()}


def test_operations_that_change_the_size_of_maps_equal_the_reference() -> None:
    rng = np.random.default_rng(0)
    values = {
        "dense/kernel": rng.normal(size=(5, 3, 4, 6)),
        "up/kernel": rng.normal(size=(2, 2, 4, 7)),
        "up/bias": rng.normal(size=7),
    }
    x = rng.normal(size=(3, 5, 3, 4))
    results = []
    for ops, maps in (
        (NumpyOps(values, training=False), x),
        (TensorRegionOps(_tensors(values), training=False), tf.constant(x, tf.float32)),
    ):
        results.append(
            [
                ops.dense(maps, 6, "dense"),
                ops.conv_transpose(maps, 7, "up", bias=0.0),
                ops.upsample(maps, 4, (18, 11)),
                ops.max_pool(maps, kernel=3, stride=2),
                ops.space_to_depth(maps),
                ops.average([maps, 2 * maps]),
            ]
        )
    shapes = [(3, 1, 1, 6), (3, 10, 6, 7), (3, 18, 11, 4), (3, 3, 2, 4), (3, 3, 2, 16), (3, 5, 3, 4)]
    for expected, actual, shape in zip(*results, shapes, strict=True):
        assert expected.shape == actual.shape == shape
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


def _photographs(size: tuple[int, int]) -> tf.Tensor:
    """Two photographs, cut to a size."""
    pixels = np.stack([load_sample_image(name)[100:, 200:][::2, ::2] for name in ("china.jpg", "flower.jpg")])
    cut = pixels[:, : size[0], : size[1]]
    return normalise(tf.constant(cut), tf.constant([size, size]))


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
def test_mask_rcnn_finds_regions_in_photographs_of_any_size(training: bool) -> None:
    architecture = EFF_SPINENETS["D0"].scaled(0.15, divisor=2, input_px=128, subnet_width=8, class_slots=5)
    regions = Regions(dense_width=16, proposals=12, detections=6)
    network = partial(_mask_rcnn, architecture, regions)
    model = TensorNetwork(Model("small", "instance-segmentation", 128, network, None, None, "a test"), seed=3)
    run = tf.function(model, autograph=False)
    for size, call in (((96, 128), model), ((160, 72), run)):
        outputs = call(_photographs(size), training)
        for level in LEVELS:
            rows, columns = _map_size(size, level)
            assert outputs.objectness[level].shape == (2, rows, columns, 3)
            assert outputs.anchor_codes[level].shape == (2, rows, columns, 3 * 4)
        assert outputs.proposals.shape == (2, 12, 4)
        assert outputs.class_logits.shape == (2 * 12, 1, 1, 5)
        assert outputs.box_codes.shape == (2 * 12, 1, 1, 5 * 4)
        assert outputs.detections.shape == (2, 6, 6)
        assert outputs.mask_logits.shape == (2 * 6, 28, 28, 5)
        assert all(np.isfinite(each).all() for each in tf.nest.flatten(outputs))
        boxes = np.concatenate([outputs.proposals, outputs.detections[..., :4]], axis=1)
        assert (boxes >= 0).all()
        assert (boxes <= [*size, *size]).all()
        assert (boxes[:, :12, 2:] > boxes[:, :12, :2]).all()
        scores, labels = outputs.detections[..., 4].numpy(), outputs.detections[..., 5].numpy()
        assert (np.diff(scores) <= 0).all()
        assert (scores[:, 0] > 0.1).all()
        assert set(labels.ravel()) <= {1, 2, 3, 4}


def _mask_rcnn(architecture: Any, regions: Regions, ops: Any, images: Any) -> MaskRcnnOutputs[Any]:
    return mask_rcnn(ops, architecture, images, regions)
