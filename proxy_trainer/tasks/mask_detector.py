"""Runs Mask R-CNN: boxes and masks of the objects in pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from proxy_trainer.data.decoded_images import DecodedSplit
from proxy_trainer.data.instance_masks import Encoded
from proxy_trainer.engine.proxy_network import normalise
from proxy_trainer.engine.region_ops import TensorRegionOps
from proxy_trainer.tasks.inference_ops import MakeOps
from proxy_trainer.tasks.mask_evaluation import MaskDetections, mask_probabilities, pasted
from proxy_trainer.training.evaluation import Detections
from search_space.task_network import TaskNetwork

_BATCH = 8


class FoundMasks(NamedTuple):
    """The objects of a batch of padded images, in the order of the images, best first in each.

    `images` [n] are indices in the batch; `boxes` [n, 4] (y1, x1, y2, x2) in pixels of the padded image; `scores` and
    `classes` [n]; `logits` [n, 28, 28], of the mask that fills the box.
    """

    images: npt.NDArray[np.integer]
    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    classes: npt.NDArray[np.int32]
    logits: npt.NDArray[np.float32]


class MaskDetector:
    """The Mask R-CNN of a network with anchors of `anchor_size` strides."""

    def __init__(self, network: TaskNetwork, anchor_size: float, make_ops: MakeOps) -> None:
        px = network.source.input_px

        def run(pixels: tf.Tensor, sizes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            ops = make_ops(TensorRegionOps)
            ops.anchor_size = anchor_size
            outputs = network(ops, normalise(pixels, sizes))
            maps = tf.transpose(outputs.mask_logits, (0, 3, 1, 2))
            labels = tf.cast(tf.reshape(outputs.detections[..., 5], (-1,)), tf.int32)
            own = tf.gather(maps, labels, batch_dims=1)
            return outputs.detections, tf.reshape(own, (-1, outputs.detections.shape[1], *own.shape[1:]))

        signature = [tf.TensorSpec([None, px, px, 3], tf.uint8), tf.TensorSpec([None, 2], tf.int32)]
        self._run = tf.function(run, input_signature=signature, autograph=False)

    def detect(self, pixels: npt.NDArray[np.uint8], sizes: npt.NDArray[np.int32]) -> FoundMasks:
        """The objects in padded images `[batch, px, px, 3]` of `sizes` `[batch, 2]`."""
        found, logits = (each.numpy() for each in self._run(pixels, sizes))
        # The label 0 is the background: a row without a detection.
        row, column = np.nonzero(found[..., 5] > 0)
        objects = found[row, column]
        classes = objects[:, 5].astype(np.int32) - 1
        return FoundMasks(row, objects[:, :4], objects[:, 4], classes, logits[row, column])

    def detections_on(
        self,
        images: DecodedSplit,
        sizes: npt.NDArray[np.integer],
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> tuple[Detections, MaskDetections]:
        """Boxes and masks on all images of a split, whose pictures have `sizes` [images, 2] (height, width)."""
        parts: list[Detections] = []
        encoded: list[Encoded] = []
        for start in range(0, len(images), _BATCH):
            stop = min(start + _BATCH, len(images))
            found = self.detect(images.pixels[start:stop], images.sizes[start:stop])
            rows = start + found.images
            boxes = original_boxes(found.boxes, images.scales[rows])
            parts.append(Detections(rows, boxes, found.scores, found.classes))
            encoded += [
                pasted(mask_probabilities(logits), box, (int(sizes[row, 0]), int(sizes[row, 1])))
                for row, box, logits in zip(rows, boxes, found.logits, strict=True)
            ]
            progress(stop, len(images))
        joined = Detections.joined(parts)
        return joined, MaskDetections(joined.images, joined.categories, joined.scores, tuple(encoded))


def original_boxes(boxes: npt.NDArray[np.floating], scales: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Boxes [n, 4] (y1, x1, y2, x2) of resized images as (x, y, width, height) in pixels of the originals.

    `scales` [n] are resized over original size.
    """
    y1, x1, y2, x2 = (np.asarray(boxes, np.float64) / np.asarray(scales, np.float64)[:, None]).T
    return np.stack([x1, y1, x2 - x1, y2 - y1], axis=1)
