from __future__ import annotations

import numpy as np

from proxy_trainer.benchmarks.evaluation_benchmark import (
    CATEGORIES,
    evaluation_benchmark,
    random_detections,
    random_split,
)


def test_both_evaluations_give_the_same_figures() -> None:
    found = evaluation_benchmark(images=40)
    assert {"images", "seconds", "pycocotools_seconds", "ratio", "max_difference"} <= found.keys()
    assert found["images"] == 40
    assert found["detections"] == 4000
    assert found["max_difference"] < 1e-12
    assert 0.02 < found["ap"] < 0.9
    assert found["ratio"] > 0


def test_the_ground_truth_is_a_valid_split_of_any_size() -> None:
    for images in (1, 2, 50):
        rng = np.random.default_rng(images)
        split = random_split(images, rng)
        assert len(split) == images
        assert not split.crowd.all()
        assert np.all(split.boxes[:, 2:] > 0)
        assert np.all(split.boxes[:, :2] + split.boxes[:, 2:] <= split.sizes[split.box_images][:, ::-1] + 1e-9)
        detections = random_detections(split, rng)
        assert np.array_equal(np.bincount(detections.images, minlength=images), np.full(images, 100))
        assert detections.categories.max() < CATEGORIES
