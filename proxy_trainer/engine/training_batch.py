"""What a training step takes, and what it finds: plain tuples of arrays or tensors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from proxy_trainer.engine.losses import DetectionLoss
from proxy_trainer.engine.targets import Matches


class TrainingBatch(NamedTuple):
    """What a training step takes.

    Source `pixels` `[batch, px, px, 3]` uint8, of which `sizes` `[batch, 2]` (height, width) are image and the rest
    is padding; the sampling `windows` `[batch, 4]` of their views; `boxes` `[batch, boxes, 4]` as the views show
    them, and their `classes` `[batch, boxes]`, -1 as padding; the `matches` `[batch, anchors]` of anchors with boxes.
    """

    pixels: npt.NDArray[np.uint8]
    sizes: npt.NDArray[np.int32]
    windows: npt.NDArray[np.float32]
    boxes: npt.NDArray[np.float32]
    classes: npt.NDArray[np.int32]
    matches: Matches


class Gradient(NamedTuple):
    """Of a batch or a part of it: its loss, the gradient of the weights, and the statistics of batch normalisation.

    The two vectors are flat and float32, in the order of `search_space.cost.parameters`.
    """

    loss: DetectionLoss
    gradient: tf.Tensor
    statistics: tf.Tensor


def positives(batch: TrainingBatch) -> tf.Tensor:
    """What `detection_loss` divides by: the positive anchors of a batch and one more, so that it is never nothing."""
    return tf.math.count_nonzero(batch.matches >= 0, dtype=tf.float32) + 1.0
