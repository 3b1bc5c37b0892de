"""Runs a network for semantic segmentation, and scores it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from proxy_trainer.data.images import Pixels, resize_and_pad, resized_size
from proxy_trainer.data.label_maps import Confusion, Labels, resize_labels
from proxy_trainer.data.voc_segmentation import IGNORED, LabelledPictures, read_labelled
from proxy_trainer.engine.proxy_network import normalise
from proxy_trainer.engine.tensor_ops import TensorOps
from proxy_trainer.errors import EmptyReservedSetError
from proxy_trainer.tasks.inference_ops import MakeOps
from search_space.task_network import TaskNetwork

_BATCH = 16


class Segmenter:
    """The class of each pixel of a picture."""

    def __init__(self, network: TaskNetwork, make_ops: MakeOps) -> None:
        self.image_px, self.classes = network.source.input_px, network.outputs

        def run(pixels: tf.Tensor, sizes: tf.Tensor) -> tf.Tensor:
            logits = upsampled_logits(network, make_ops(TensorOps), normalise(pixels, sizes))
            return tf.cast(tf.argmax(logits, axis=-1), tf.uint8)

        px = self.image_px
        signature = [tf.TensorSpec([None, px, px, 3], tf.uint8), tf.TensorSpec([None, 2], tf.int32)]
        self._run = tf.function(run, input_signature=signature, autograph=False)

    def labels(self, pictures: Sequence[Pixels]) -> list[Labels]:
        """The classes of the pixels of each picture `[height, width, 3]`, uint8 `[height, width]`."""
        sizes = np.array([resized_size(each.shape[0], each.shape[1], self.image_px) for each in pictures], np.int32)
        pixels = np.stack([resize_and_pad(each, self.image_px)[0] for each in pictures])
        found: npt.NDArray[np.uint8] = self._run(pixels, sizes).numpy()
        return [
            resize_labels(labels[:height, :width], picture.shape[:2])
            for labels, (height, width), picture in zip(found, sizes, pictures, strict=True)
        ]

    def confusion_on(
        self,
        split: LabelledPictures,
        pool: Executor,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Confusion:
        """The confusion of classes on the pixels of a split, at the size of its masks.

        Raises as `read_labelled`, and EmptyReservedSetError where every pixel is ignored.
        """
        confusion = Confusion(self.classes)
        for start in range(0, len(split), _BATCH):
            indices = range(start, min(start + _BATCH, len(split)))
            read = list(pool.map(lambda index: read_labelled(split, index, self.classes), indices))
            predicted = self.labels([pixels for pixels, _ in read])
            for (_, truth), found in zip(read, predicted, strict=True):
                confusion.add(truth, found)
            progress(indices.stop, len(split))
        if not confusion.counts.sum():
            raise EmptyReservedSetError(f"every pixel of the masks in {split.masks[0].parent} is {IGNORED}")
        return confusion


def ious(confusion: Confusion, names: Sequence[str]) -> dict[str, float | None]:
    """`miou`, `pixel_accuracy` and the IoU of each class, `iou_NAME`."""
    of_classes = {f"iou_{name}": value for name, value in zip(names, confusion.iou(), strict=True)}
    return {"miou": confusion.mean_iou(), "pixel_accuracy": confusion.accuracy(), **of_classes}


def upsampled_logits(network: TaskNetwork, ops: Any, images: tf.Tensor) -> tf.Tensor:
    """Logits `[batch, px, px, classes]`: those of the network, upsampled bilinearly to the size of the input."""
    px = network.source.input_px
    return tf.image.resize(network(ops, images), [px, px])
