"""The losses of Mask R-CNN: region proposals, classes and boxes of regions, and masks of positive ones.

S. Ren et al., "Faster R-CNN", NeurIPS 2015, Equation 1. K. He et al., "Mask R-CNN", ICCV 2017, section 3.
"""

from __future__ import annotations

import tensorflow as tf

from proxy_trainer.engine.boxes import encode
from proxy_trainer.tasks.region_sampling import SampledRegions

MASK_SIDE = 28

CODE_WEIGHTS = (10.0, 10.0, 5.0, 5.0)
"""Errors of region codes are multiplied by these, the reciprocal deviations of Fast R-CNN's normalised codes."""

PROPOSAL_BETA, REGION_BETA = 1 / 9, 1.0
"""From these errors on, the smooth L1 loss of box codes is linear."""


def proposal_losses(
    objectness: tf.Tensor, codes: tf.Tensor, anchors: tf.Tensor, boxes: tf.Tensor, labels: tf.Tensor, matches: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """The objectness and box losses of the sampled anchors, both means over them.

    `objectness` `[batch, anchors]` are logits, `codes` `[batch, anchors, 4]`; `anchors` `[anchors, 4]`; `boxes`
    `[batch, objects, 4]`; `labels` and `matches` `[batch, anchors]` as in `AnchorSample`.
    """
    sampled, positive = (tf.cast(chosen, tf.float32) for chosen in (labels >= 0, labels == 1))
    count = tf.maximum(tf.reduce_sum(sampled), 1.0)
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(positive, objectness)
    targets = encode(tf.gather(boxes, tf.cast(matches, tf.int32), batch_dims=1), anchors)
    errors = tf.reduce_sum(smooth_l1(codes - targets, PROPOSAL_BETA), axis=-1)
    return tf.reduce_sum(entropy * sampled) / count, tf.reduce_sum(errors * positive) / count


def region_losses(
    class_logits: tf.Tensor, codes: tf.Tensor, boxes: tf.Tensor, sampled: SampledRegions
) -> tuple[tf.Tensor, tf.Tensor]:
    """The class and box losses of the sampled regions, both means over them.

    `class_logits` `[batch, regions, classes]`; `codes` `[batch, regions, classes, 4]`, of which those of the true class
    count; `boxes` `[batch, objects, 4]`.
    """
    count = tf.maximum(tf.reduce_sum(sampled.weights), 1.0)
    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(sampled.classes, class_logits)
    own = tf.gather(codes, sampled.classes, batch_dims=2)
    targets = encode(tf.gather(boxes, sampled.matches, batch_dims=1), sampled.boxes)
    errors = tf.reduce_sum(smooth_l1((own - targets) * tf.constant(CODE_WEIGHTS), REGION_BETA), axis=-1)
    positive = sampled.weights * tf.cast(sampled.classes > 0, tf.float32)
    return tf.reduce_sum(entropy * sampled.weights) / count, tf.reduce_sum(errors * positive) / count


def mask_loss(logits: tf.Tensor, targets: tf.Tensor, positives: SampledRegions) -> tf.Tensor:
    """The mean cross-entropy of the masks of the true classes, over positive regions and their pixels.

    `logits` `[batch, regions, 28, 28, classes]`, `targets` `[batch, regions, 28, 28]` of 0 and 1.
    """
    maps = tf.transpose(logits, (0, 1, 4, 2, 3))
    own = tf.gather(maps, positives.classes, batch_dims=2)
    entropy = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(targets, own), axis=(2, 3))
    return tf.reduce_sum(entropy * positives.weights) / tf.maximum(tf.reduce_sum(positives.weights), 1.0)


def mask_targets(masks: tf.Tensor, mask_boxes: tf.Tensor, positives: SampledRegions) -> tf.Tensor:
    """The true masks inside positive regions `[batch, regions, 28, 28]`, 0 or 1.

    `masks` `[batch, objects, side, side]` fill their boxes `mask_boxes` `[batch, objects, 4]`. The centre of each
    target pixel is sampled bilinearly; outside of the box of an object there is none of it.
    """
    side, batch, regions = masks.shape[-1], tf.shape(masks)[0], positives.boxes.shape[1]
    own = tf.gather(mask_boxes, positives.matches, batch_dims=1)
    extent = tf.maximum(own[..., 2:] - own[..., :2], 1e-3)
    first, last = ((positives.boxes[..., axes] - own[..., :2]) / extent for axes in (slice(0, 2), slice(2, 4)))
    step = (last - first) / MASK_SIDE
    # With its edge repeated, a mask is defined up to the edge of its box, half a pixel beyond the outermost centres.
    masks = tf.pad(masks, [[0, 0], [0, 0], [1, 1], [1, 1]], mode="SYMMETRIC")
    ends = [(at * side + 0.5) / (side + 1.0) for at in (first + 0.5 * step, last - 0.5 * step)]
    windows = tf.reshape(tf.concat(ends, axis=-1), (-1, 4))
    images = tf.reshape(masks, (-1, side + 2, side + 2, 1))
    offsets = tf.range(batch)[:, None] * tf.shape(masks)[1]
    sampled = tf.image.crop_and_resize(
        images, windows, tf.reshape(positives.matches + offsets, (-1,)), (MASK_SIDE, MASK_SIDE)
    )
    return tf.reshape(tf.cast(sampled >= 0.5, tf.float32), (-1, regions, MASK_SIDE, MASK_SIDE))


def smooth_l1(error: tf.Tensor, beta: float) -> tf.Tensor:
    """0.5 e^2 / beta below `beta`, |e| - 0.5 beta above."""
    size = tf.abs(error)
    inside = tf.minimum(size, beta)
    return inside * (size - 0.5 * inside) / beta
