"""Small tasks and batches of noise for the tests of the engine, also imported by their child processes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from proxy_trainer.data.views import Views, sampling_windows
from proxy_trainer.engine.engine import Engine, EngineState
from proxy_trainer.engine.targets import match_anchors
from proxy_trainer.engine.training_batch import TrainingBatch
from search_space.anchors import anchor_boxes
from search_space.architecture import Architecture
from search_space.proxy_task import resolve
from search_space.published import SP_EFFICIENTNET_B0

CLASSES = 2
# 96 px: sizes 12, 6, 3, 2, 1 at P3 to P7; two of them are not half of the previous one.
TASK = resolve("smoke", image_px=96, width_multiplier=0.15, batch_size=3, stochastic_depth=0.2, anchor_size=0.5)
SIDES = np.array([5, 10, 20, 40, 75])  # one per level of anchors
# Block 13 needs a projection into block 16 here, and neither block 1 nor block 3 has a residual.
UNEVEN = Architecture((40, 24, 56, 16, 104, 48, 120, 40, 120, 168, 96, 192, 136, 104, 40, 200, 136, 40))


def noise(seed: int) -> TrainingBatch:
    """A batch of the task, with boxes for the anchors of every level."""
    rng, px, count = np.random.default_rng(seed), TASK.image_px, TASK.batch_size
    corners = rng.uniform(0, 20, (count, len(SIDES), 2))
    boxes = np.concatenate([corners, corners + SIDES[:, None]], axis=-1).astype(np.float32)
    classes = rng.integers(0, CLASSES, (count, len(SIDES))).astype(np.int32)
    views = Views(np.ones(count, np.float32), np.zeros((count, 2), np.float32), np.zeros(count, np.bool_))
    return TrainingBatch(
        pixels=rng.integers(0, 255, (count, px, px, 3), dtype=np.uint8),
        sizes=np.array([[96, 96], [96, 60], [72, 96]], np.int32),
        windows=sampling_windows(views, px),
        boxes=boxes,
        classes=classes,
        matches=match_anchors(anchor_boxes(px, TASK.anchor_size), boxes, classes),
    )


def train(engine: Engine, candidate: Architecture, steps: int = 3) -> tuple[list[float], np.ndarray]:
    """Losses and weights of a candidate trained from scratch."""
    engine.load(candidate, seed=1)
    losses = [engine.train_step(noise(step), 0.02, (1, step)).total for step in range(steps)]
    return losses, engine.state().weights


# No momentum, so that the first moment is the gradient. A part has eight images: with two, batch normalisation at P7
# has two values, and rounding alone changes the gradient by some per cent.
PARTS = replace(TASK, image_px=64, batch_size=16, weight_decay=0.0, momentum=0.0, bn_momentum=0.0)
PART = PARTS.batch_size // 2


def two_parts(second: range) -> TrainingBatch:
    """A batch of eight images and the `second` eight, which have different boxes and fewer positives."""
    rng, px, count = np.random.default_rng(0), PARTS.image_px, PARTS.batch_size
    corners = rng.uniform(0, 20, (count, len(SIDES), 2))
    boxes = np.concatenate([corners, corners + SIDES[:, None] / 2], axis=-1).astype(np.float32)
    classes = rng.integers(0, CLASSES, (count, len(SIDES))).astype(np.int32)
    classes[PART:, 2:] = -1
    views = Views(np.ones(count, np.float32), np.zeros((count, 2), np.float32), np.zeros(count, np.bool_))
    pixels = rng.integers(0, 255, (count, px // 4, px // 4, 3), dtype=np.uint8).repeat(4, axis=1).repeat(4, axis=2)
    return TrainingBatch(
        pixels=pixels[[*range(PART), *second]],
        sizes=np.full((count, 2), px, np.int32),
        windows=sampling_windows(views, px),
        boxes=boxes,
        classes=classes,
        matches=match_anchors(anchor_boxes(px, PARTS.anchor_size), boxes, classes),
    )


def step(engine: Engine, batch: TrainingBatch, path_seed: tuple[int, ...]) -> tuple[np.ndarray, EngineState]:
    """The loss of a batch, and a state with its gradient and statistics. No weight is zero, so every branch matters."""
    engine.load(SP_EFFICIENTNET_B0, seed=1)
    fresh = engine.state().weights
    engine._weights.assign(np.where(fresh == 0, np.random.default_rng(0).normal(0.5, 0.1, fresh.size), fresh))
    return np.array(engine.train_step(batch, 0.0, (path_seed[0], path_seed[1]))), engine.state()


def distance(vector: np.ndarray, reference: np.ndarray) -> float:
    """The distance of a vector from a reference, relative to the norm of the reference."""
    return float(np.linalg.norm(vector - reference) / np.linalg.norm(reference))


def assert_same(actual: EngineState, expected: EngineState) -> None:
    """Asserts that every vector and the counter are equal, bit by bit."""
    for name, actual_value, expected_value in zip(EngineState._fields, actual, expected, strict=True):
        np.testing.assert_array_equal(actual_value, expected_value, err_msg=name)
