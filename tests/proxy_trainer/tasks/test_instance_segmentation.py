"""Mask R-CNN as a whole: pasted masks, metrics of perfect masks, the same bits again, and that it learns digits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as rle

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.data.coco_directory import load_dataset
from proxy_trainer.data.instance_masks import InstanceMasks, load_instance_masks
from proxy_trainer.tasks.mask_evaluation import MaskDetections, MaskEvaluator, mask_probabilities, pasted
from tests.support.small_tasks import TINY, digits_for, learn, small_trainee, trained


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return digits_for("instance-segmentation", tmp_path_factory.mktemp("digits") / "digits", train=12, val=8)


@pytest.fixture(scope="module")
def held_out(digits: Path) -> tuple[CocoSplit, InstanceMasks]:
    _, split = load_dataset(digits, reserved_images=8, reserve_from="val", seed=0)
    return split, load_instance_masks(split)


def test_a_pasted_mask_covers_its_part_of_the_box() -> None:
    upper = np.zeros((28, 28))
    upper[:14] = 1.0
    found = rle.decode(pasted(upper, np.array([4.0, 10.0, 20.0, 8.0]), (32, 40)))
    expected = np.zeros((32, 40))
    expected[10:14, 4:24] = 1
    np.testing.assert_array_equal(found, expected)


def test_a_box_that_reaches_beyond_the_picture_is_cut() -> None:
    found = rle.decode(pasted(np.ones((28, 28)), np.array([-10.0, 20.0, 100.0, 100.0]), (32, 40)))
    assert found[20:].all()
    assert found[:20].sum() == 0


def test_probabilities_are_the_logistic_function_without_overflow() -> None:
    np.testing.assert_allclose(mask_probabilities(np.array([-1e4, -1.0, 0.0, 1e4])), [0, 1 / (1 + np.e), 0.5, 1])


def test_true_masks_have_an_ap_of_one_and_boxes_of_digits_do_not(held_out: tuple[CocoSplit, InstanceMasks]) -> None:
    split, truth = held_out
    evaluator = MaskEvaluator(split, truth)
    scores = np.ones(len(truth.images))
    perfect = evaluator.metrics(MaskDetections(truth.images, truth.categories, scores, truth.encoded))
    assert perfect["mask_ap"] == pytest.approx(1.0)
    assert len(perfect) == 12
    filled = tuple(
        pasted(np.ones((28, 28)), np.array([x1, y1, x2 - x1, y2 - y1]), tuple(split.sizes[image]))
        for (y1, x1, y2, x2), image in zip(truth.boxes, truth.images, strict=True)
    )
    boxes = evaluator.metrics(MaskDetections(truth.images, truth.categories, scores, filled))
    assert boxes["mask_ap"] is not None
    assert boxes["mask_ap"] < 0.2
    nothing = np.zeros(0, np.int64)
    assert evaluator.metrics(MaskDetections(nothing, nothing, np.zeros(0), ()))["mask_ap"] == 0.0


def test_masks_that_are_cropped_and_pasted_are_the_masks(held_out: tuple[CocoSplit, InstanceMasks]) -> None:
    split, truth = held_out
    for index, (y1, x1, y2, x2) in enumerate(truth.boxes.tolist()):
        size = tuple(split.sizes[truth.images[index]])
        again = pasted(truth.cropped(index), np.array([x1, y1, x2 - x1, y2 - y1]), size)
        assert rle.iou([again], [truth.encoded[index]], [0])[0, 0] > 0.95


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bits(digits: Path, tmp_path: Path) -> None:
    small = {**TINY, "steps": 2, "proposals": 20, "detections": 5, "sampled_anchors": 16, "sampled_regions": 8}
    first, second = (small_trainee("instance-segmentation", digits, tmp_path, **small) for _ in range(2))
    losses = trained(first)
    assert losses == trained(second)
    assert losses[0].keys() == {"loss", "objectness", "proposals", "classes", "boxes", "masks"}
    assert sum(value for name, value in losses[0].items() if name != "loss") == pytest.approx(losses[0]["loss"])
    state = second.state()
    for name, values in first.state().items():
        np.testing.assert_array_equal(values, state[name])
    metrics = first.evaluate()
    assert len(metrics) == 24
    assert metrics == second.evaluate()
    assert first.identity() == second.identity()
    assert len(first.data_digest()) == 64
    first.save(tmp_path / "model", metrics)
    assert (tmp_path / "model" / "config.json").is_file()


@pytest.mark.slow
def test_a_small_network_learns_boxes_and_masks(tmp_path: Path) -> None:
    losses, metrics = learn("instance-segmentation", tmp_path)
    first, last = (np.mean([loss["loss"] for loss in part]) for part in (losses[:20], losses[-20:]))
    assert last < 0.6 * first
    assert metrics["ap"] is not None
    assert metrics["mask_ap50"] is not None
    assert metrics["ap"] > 0.1
    assert metrics["mask_ap50"] > 0.15
