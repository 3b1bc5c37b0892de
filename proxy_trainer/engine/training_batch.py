"""The input of a training step and the gradient that it computes, as named tuples of arrays or tensors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from proxy_trainer.engine.losses import DetectionLoss
from proxy_trainer.engine.targets import Matches


class TrainingBatch(NamedTuple):
    """The input of a training step.

    Padded source images `pixels` `[batch, px, px, 3]` uint8 and their `sizes` `[batch, 2]` (height, width) without
    padding; the sampling `windows` `[batch, 4]` of their views; `boxes` `[batch, boxes, 4]` in the views, and their
    `classes` `[batch, boxes]`, -1 as padding; the `matches` `[batch, anchors]` of anchors with boxes.
    """

    pixels: npt.NDArray[np.uint8]
    sizes: npt.NDArray[np.int32]
    windows: npt.NDArray[np.float32]
    boxes: npt.NDArray[np.float32]
    classes: npt.NDArray[np.int32]
    matches: Matches


class Gradient(NamedTuple):
    """The loss of a batch or micro batch, the gradient of the weights, and the statistics of batch normalisation.

    The two vectors are flat and float32, in the order of `search_space.cost.parameters`.
    """

    loss: DetectionLoss
    gradient: tf.Tensor
    statistics: tf.Tensor


def loss_divisor(batch: TrainingBatch) -> tf.Tensor:
    """The divisor of `detection_loss`: the positive anchors of the batch plus one, so that it is never zero."""
    return tf.math.count_nonzero(batch.matches >= 0, dtype=tf.float32) + 1.0
