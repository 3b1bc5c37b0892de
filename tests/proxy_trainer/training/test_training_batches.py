"""Training batches are functions of seed and step; their matches are cached between trials."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from proxy_trainer.data.coco_directory import load_dataset
from proxy_trainer.data.decoded_images import DecodedSplit, decode_split
from proxy_trainer.engine.targets import match_anchors
from proxy_trainer.training import training_batches as module
from proxy_trainer.training.training_batches import TrainingBatches
from search_space.anchors import anchor_boxes
from search_space.proxy_task import resolve
from tests.support.edge_case_coco import make_edge_case_coco

TASK = resolve("smoke", batch_size=3, scale_min=0.5, scale_max=2.0)


@pytest.fixture
def decoded(tmp_path: Path) -> DecodedSplit:
    train, _ = load_dataset(make_edge_case_coco(tmp_path / "odd"), reserved_images=1, reserve_from="train", seed=0)
    return decode_split(train, TASK.image_px, tmp_path / "cache")


def test_a_batch_is_a_function_of_seed_and_step(decoded: DecodedSplit) -> None:
    forwards, backwards = TrainingBatches(decoded, TASK, seed=1), TrainingBatches(decoded, TASK, seed=1)
    first = [forwards.batch(step) for step in range(4)]
    for step in reversed(range(4)):
        for one, other in zip(first[step], backwards.batch(step), strict=True):
            np.testing.assert_array_equal(one, other)
    other_seed = TrainingBatches(decoded, TASK, seed=2).batch(0)
    assert not np.array_equal(first[0].windows, other_seed.windows)


def test_matches_are_computed_once(decoded: DecodedSplit, monkeypatch: pytest.MonkeyPatch) -> None:
    batches = TrainingBatches(decoded, TASK, seed=1)
    batch = batches.batch(2)
    anchors = anchor_boxes(TASK.image_px, TASK.anchor_size)
    np.testing.assert_array_equal(batch.matches, match_anchors(anchors, batch.boxes, batch.classes))
    assert (batch.matches >= 0).any()
    monkeypatch.setattr(module, "match_anchors", None)
    np.testing.assert_array_equal(batches.batch(2).matches, batch.matches)


def test_the_cache_of_matches_is_limited_in_bytes(decoded: DecodedSplit, monkeypatch: pytest.MonkeyPatch) -> None:
    anchors = len(anchor_boxes(TASK.image_px, TASK.anchor_size))
    monkeypatch.setattr(module, "MATCHES_BYTES", 2 * TASK.batch_size * anchors * 2)
    batches = TrainingBatches(decoded, TASK, seed=1)
    for step in range(4):
        batches.batch(step)
    assert sorted(batches._matches) == [0, 1]
