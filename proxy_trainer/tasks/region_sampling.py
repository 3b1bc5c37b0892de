"""The interpreter that trains Mask R-CNN: sampled regions take the place of proposals, positive ones of detections."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from proxy_trainer.engine.region_ops import TensorRegionOps
from proxy_trainer.engine.tensor_ops import uniform_draws

POSITIVE_IOU = 0.5
"""A region with at least this overlap with a box is positive (K. He et al., "Mask R-CNN", section 3.1)."""

POSITIVE_SHARE = 0.25
"""At most this share of the sampled regions is positive."""

_REGION_DRAWS = 1_000_003
"""Separates the random numbers of the regions from those of stochastic depth, which are folded in from 1 on."""


class Truth(NamedTuple):
    """The objects of a batch: `boxes` `[batch, objects, 4]` and `classes` `[batch, objects]`, 0 where there is none."""

    boxes: tf.Tensor
    classes: tf.Tensor


class SampledRegions(NamedTuple):
    """Regions of a batch with what they are to predict.

    `boxes` `[batch, regions, 4]`; `classes` `[batch, regions]`, 0 for the background; `matches` `[batch, regions]`, the
    object of each; `weights` `[batch, regions]`, 0 for a region that is not learned from.
    """

    boxes: tf.Tensor
    classes: tf.Tensor
    matches: tf.Tensor
    weights: tf.Tensor


class TrainingRegionOps(TensorRegionOps):
    """`TensorRegionOps` that runs the heads on regions sampled for training.

    `propose` samples `count` regions of each image from the proposals and the true boxes; `detect` returns the positive
    ones. `sampled` and `positives` hold what the losses need after the network was run. A row of `positives` without a
    region of its own repeats one of the image's with weight 0, so that the statistics of batch normalisation are those
    of objects.
    """

    sampled: SampledRegions
    positives: SampledRegions

    def __init__(self, *arguments: Any, truth: Truth, sampled_regions: int, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._truth = truth
        self._count = sampled_regions

    def propose(
        self,
        objectness: dict[int, tf.Tensor],
        codes: dict[int, tf.Tensor],
        image_size: tuple[int, int],
        count: int,
    ) -> tf.Tensor:
        proposals = tf.stop_gradient(super().propose(objectness, codes, image_size, count))
        candidates = tf.concat([proposals, self._truth.boxes], axis=1)
        seed = tf.random.experimental.stateless_fold_in(self._path_seed, _REGION_DRAWS, alg="philox")
        draws = tf.reshape(uniform_draws(tf.size(candidates[..., 0]), seed), tf.shape(candidates)[:2])
        self.sampled = sample_regions(candidates, self._truth, draws, self._count, image_size)
        return self.sampled.boxes

    def detect(
        self,
        boxes: tf.Tensor,
        class_logits: tf.Tensor,
        codes: tf.Tensor,
        image_size: tuple[int, int],
        count: int,
    ) -> tf.Tensor:
        self.positives = positive_regions(self.sampled, positive_limit(self._count))
        labels = tf.cast(self.positives.classes, tf.float32)[..., None]
        return tf.concat([self.positives.boxes, tf.ones_like(labels), labels], axis=-1)


def positive_limit(count: int) -> int:
    """The largest number of positives among `count` sampled regions, at least one."""
    return max(1, int(count * POSITIVE_SHARE))


def sample_regions(
    candidates: tf.Tensor, truth: Truth, draws: tf.Tensor, count: int, image_size: tuple[int, int]
) -> SampledRegions:
    """`count` of the candidates `[batch, candidates, 4]` of each image, positives first.

    A candidate is positive from an overlap of 0.5 with an object on, else background. `draws` `[batch, candidates]` in
    [0, 1) decide which are taken. Where there are too few, the rest has weight 0 and the whole image as its box.
    """
    overlaps = pairwise_iou(candidates, truth.boxes) * tf.cast(truth.classes > 0, tf.float32)[:, None, :]
    best, matches = tf.reduce_max(overlaps, axis=-1), tf.argmax(overlaps, axis=-1, output_type=tf.int32)
    usable = tf.reduce_all(candidates[..., 2:] > candidates[..., :2], axis=-1)
    positive = usable & (best >= POSITIVE_IOU)
    most = positive_limit(count)
    ordered = tf.sort(tf.where(positive, draws, -1.0), axis=-1, direction="DESCENDING")
    last = tf.minimum(most, tf.shape(ordered)[1])
    lowest = ordered[:, last - 1 : last]
    taken = positive & (draws >= lowest)
    priority = tf.where(taken, 2.0 + draws, tf.where(usable & ~positive, 1.0 + draws, 0.0))
    missing = tf.maximum(count - tf.shape(priority)[1], 0)
    priority, matches = (tf.pad(values, [[0, 0], [0, missing]]) for values in (priority, matches))
    candidates = tf.pad(candidates, [[0, 0], [0, missing], [0, 0]])
    values, chosen = tf.math.top_k(priority, count)
    used = values >= 1.0
    whole = tf.constant([0.0, 0.0, *image_size])
    boxes = tf.where(used[..., None], tf.gather(candidates, chosen, batch_dims=1), whole)
    matches = tf.gather(matches, chosen, batch_dims=1)
    classes = tf.where(values >= 2.0, tf.gather(truth.classes, matches, batch_dims=1), 0)
    return SampledRegions(boxes, classes, matches, tf.cast(used, tf.float32))


def positive_regions(sampled: SampledRegions, most: int) -> SampledRegions:
    """The first `most` regions of each image, positives only; missing ones repeat others with weight 0."""
    count = tf.reduce_sum(tf.cast(sampled.classes > 0, tf.int32), axis=1)[:, None]
    places = tf.range(most)[None, :]
    chosen = places % tf.maximum(count, 1)
    boxes, classes, matches = (tf.gather(values, chosen, batch_dims=1) for values in sampled[:3])
    return SampledRegions(boxes, classes, matches, tf.cast(places < count, tf.float32))


def pairwise_iou(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Intersection over union `[batch, n, m]` of boxes `[batch, n, 4]` and `[batch, m, 4]`, 0 without areas."""
    a, b = first[:, :, None, :], second[:, None, :, :]
    sides = tf.maximum(tf.minimum(a[..., 2:], b[..., 2:]) - tf.maximum(a[..., :2], b[..., :2]), 0.0)
    shared = sides[..., 0] * sides[..., 1]
    union = _area(a) + _area(b) - shared
    return tf.math.divide_no_nan(shared, union)


def _area(boxes: tf.Tensor) -> tf.Tensor:
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
