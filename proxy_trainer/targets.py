"""What each anchor should predict."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from proxy_trainer.boxes import encode, pairwise_iou

POSITIVE_IOU = 0.5


class Targets(NamedTuple):
    """Targets of a batch: `classes` `[batch, anchors]` (-1 background), `codes` `[batch, anchors, 4]`."""

    classes: tf.Tensor
    codes: tf.Tensor


def assign_targets(anchors: tf.Tensor, boxes: tf.Tensor, classes: tf.Tensor) -> Targets:
    """Targets for anchors `[anchors, 4]` from boxes `[batch, boxes, 4]` with classes `[batch, boxes]`, -1 as padding.

    An anchor takes the box that it overlaps most, if by an IoU of 0.5 or more; every box also takes the anchor that
    overlaps it most, so that no object goes without. All other anchors are background.
    """
    is_box = classes >= 0
    iou = tf.where(is_box[:, None, :], pairwise_iou(anchors, boxes), -1.0)
    best_box = tf.argmax(iou, axis=2, output_type=tf.int32)
    positive = tf.reduce_max(iou, axis=2) >= POSITIVE_IOU

    best_anchor = tf.argmax(iou, axis=1, output_type=tf.int32)
    best_overlap = tf.reduce_max(iou, axis=1)
    forced = tf.one_hot(best_anchor, tf.shape(anchors)[0], axis=1, on_value=True, off_value=False)
    forced &= (is_box & (best_overlap > 0.0))[:, None, :]
    is_forced = tf.reduce_any(forced, axis=2)
    forced_box = tf.argmax(tf.cast(forced, tf.int32), axis=2, output_type=tf.int32)

    matched = tf.where(is_forced, forced_box, best_box)
    target_classes = tf.where(positive | is_forced, tf.gather(classes, matched, batch_dims=1), -1)
    return Targets(target_classes, encode(tf.gather(boxes, matched, batch_dims=1), anchors))
