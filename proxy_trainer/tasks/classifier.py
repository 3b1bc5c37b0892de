"""Runs a network for image classification, and scores it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from proxy_trainer.data.image_folder import LabelledImages, central_crop
from proxy_trainer.engine.proxy_network import normalise
from proxy_trainer.engine.tensor_ops import TensorOps
from proxy_trainer.tasks.inference_ops import MakeOps
from search_space.task_network import TaskNetwork

TOP = 5
"""Top-5 accuracy is of more classes than this."""

_BATCH = 64


class Classifier:
    """The class logits of cropped pictures."""

    def __init__(self, network: TaskNetwork, make_ops: MakeOps) -> None:
        self.image_px = network.source.input_px

        def run(pixels: tf.Tensor) -> tf.Tensor:
            return class_logits(network, make_ops(TensorOps), pixels)

        self._run = tf.function(run, input_signature=[crops_signature(self.image_px)], autograph=False)

    def logits(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Logits `[n, classes]` of crops `[n, px, px, 3]`."""
        found: npt.NDArray[np.float32] = self._run(pixels).numpy()
        return found

    def logits_on(
        self,
        images: LabelledImages,
        padding_px: int,
        pool: Executor,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> npt.NDArray[np.float32]:
        """Logits `[images, classes]` of the central crops (`central_crop`). Raises UnreadableImageError."""
        parts = []
        for start in range(0, len(images), _BATCH):
            paths = images.paths[start : start + _BATCH]
            crops = list(pool.map(lambda path: central_crop(path, self.image_px, padding_px), paths))
            parts.append(self.logits(np.stack(crops)))
            progress(start + len(paths), len(images))
        return np.concatenate(parts)


def crops_signature(image_px: int) -> tf.TensorSpec:
    """The signature of crops `[n, px, px, 3]`."""
    return tf.TensorSpec([None, image_px, image_px, 3], tf.uint8)


def class_logits(network: TaskNetwork, ops: Any, pixels: tf.Tensor) -> tf.Tensor:
    """Logits `[n, classes]` of crops `[n, px, px, 3]`."""
    px = network.source.input_px
    images = normalise(pixels, tf.fill([tf.shape(pixels)[0], 2], px))
    return tf.reshape(network(ops, images), [-1, network.outputs])


def accuracies(logits: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> dict[str, float | None]:
    """`top1` and `top5`, the shares of rows whose label is among the best; `top5` is None below six classes.

    A negative label is that of a class without a logit, which is never among the best.
    """
    top5 = top_accuracy(logits, labels, TOP) if logits.shape[1] > TOP else None
    return {"top1": top_accuracy(logits, labels, 1), "top5": top5}


def top_accuracy(logits: npt.NDArray[np.floating], labels: npt.NDArray[np.integer], count: int) -> float:
    """The share of rows where `is_among_best`."""
    return float(np.mean(is_among_best(logits, labels, count)))


def is_among_best(
    logits: npt.NDArray[np.floating], labels: npt.NDArray[np.integer], count: int
) -> npt.NDArray[np.bool_]:
    """Whether the label [n] is among the `count` largest of each row of `logits` [n, classes].

    Of equal logits, those of smaller class numbers rank first.
    """
    own = logits[np.arange(len(labels)), labels][:, None]
    before = (logits > own) | ((logits == own) & (np.arange(logits.shape[1]) < labels[:, None]))
    found: npt.NDArray[np.bool_] = (before.sum(axis=1) < count) & (labels >= 0)
    return found
