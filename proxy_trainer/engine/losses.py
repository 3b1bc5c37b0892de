"""The losses of RetinaNet: focal loss on classes and Huber loss on boxes."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from proxy_trainer.engine.targets import Targets
from search_space.detector import BOX_LOSS_WEIGHT, FOCAL_ALPHA, FOCAL_GAMMA, HUBER_DELTA


class DetectionLoss(NamedTuple):
    """Scalars: the total, which is minimised, and its two terms; the box loss is weighted by `BOX_LOSS_WEIGHT`."""

    total: tf.Tensor
    classes: tf.Tensor
    boxes: tf.Tensor


def detection_loss(class_logits: tf.Tensor, box_codes: tf.Tensor, targets: Targets) -> DetectionLoss:
    """The loss of logits `[batch, anchors, classes]` and codes `[batch, anchors, 4]`.

    Sums over anchors are divided by the number of positive anchors plus one.
    """
    positive = tf.cast(targets.classes >= 0, tf.float32)
    positives = tf.reduce_sum(positive) + 1.0
    labels = tf.one_hot(targets.classes, tf.shape(class_logits)[-1], dtype=tf.float32)
    class_loss = tf.reduce_sum(focal_loss(class_logits, labels)) / positives
    box_loss = tf.reduce_sum(_huber(box_codes - targets.codes) * positive[..., None]) / (4.0 * positives)
    return DetectionLoss(class_loss + BOX_LOSS_WEIGHT * box_loss, class_loss, box_loss)


def focal_loss(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """The sigmoid focal loss of each logit, with the gamma of EfficientDet."""
    signed = logits * (1.0 - 2.0 * labels)
    cross_entropy = tf.nn.softplus(signed)
    alpha = 1.0 - FOCAL_ALPHA + (2.0 * FOCAL_ALPHA - 1.0) * labels
    # (1 - p_t) ** gamma, computed from the log-sigmoid so that its gradient stays finite.
    modulation = tf.exp(-FOCAL_GAMMA * tf.nn.softplus(-signed))
    return alpha * modulation * cross_entropy


def _huber(error: tf.Tensor) -> tf.Tensor:
    size = tf.abs(error)
    inside = tf.minimum(size, HUBER_DELTA)
    return inside * (size - 0.5 * inside)
