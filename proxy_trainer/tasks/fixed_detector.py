"""Runs RetinaNet on a fixed network."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from proxy_trainer.detection_batch import DetectionBatch
from proxy_trainer.engine.boxes import decode
from proxy_trainer.engine.detections import non_max_suppression
from proxy_trainer.engine.proxy_network import by_anchor, normalise
from proxy_trainer.engine.tensor_ops import TensorOps
from proxy_trainer.tasks.inference_ops import MakeOps
from search_space.anchors import anchor_boxes
from search_space.task_network import TaskNetwork


class FixedDetector:
    """The detector of a network with anchors of `anchor_size` strides; a `Detects`."""

    def __init__(self, network: TaskNetwork, anchor_size: float, make_ops: MakeOps) -> None:
        px = network.source.input_px
        anchors = tf.constant(anchor_boxes(px, anchor_size))

        def run(pixels: tf.Tensor, sizes: tf.Tensor) -> Any:
            outputs = network(make_ops(TensorOps), normalise(pixels, sizes))
            logits, codes = predictions_by_anchor(outputs, len(anchors), network.outputs)
            return non_max_suppression(decode(codes, anchors, (px, px)), tf.nn.sigmoid(logits))

        signature = [tf.TensorSpec([None, px, px, 3], tf.uint8), tf.TensorSpec([None, 2], tf.int32)]
        self._run = tf.function(run, input_signature=signature, autograph=False)

    def detect(self, pixels: npt.NDArray[np.uint8], sizes: npt.NDArray[np.int32]) -> DetectionBatch:
        """Detections on padded images `[batch, px, px, 3]` of `sizes` `[batch, 2]`."""
        return DetectionBatch(*(values.numpy() for values in self._run(pixels, sizes)))


def predictions_by_anchor(outputs: Any, anchors: int, classes: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Class logits `[batch, anchors, classes]` and box codes `[batch, anchors, 4]` of the outputs of a RetinaNet."""
    parts = []
    for maps, values in ((outputs.class_logits, classes), (outputs.boxes, 4)):
        parts.append(tf.ensure_shape(by_anchor(maps, values), [None, anchors, values]))
    return parts[0], parts[1]
