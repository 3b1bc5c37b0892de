"""Semantic segmentation (section 4.3, Table 11): cross-entropy of each pixel, on data in the layout of Pascal VOC."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from proxy_trainer.data.bounded_cache import BoundedCache
from proxy_trainer.data.files_digest import files_digest, files_identity
from proxy_trainer.data.images import Pixels, resized_size
from proxy_trainer.data.label_maps import Labels, resize_labelled, view_labels
from proxy_trainer.data.shuffled_epochs import ShuffledEpochs
from proxy_trainer.data.views import draw_views, sampling_windows
from proxy_trainer.data.voc_segmentation import IGNORED, load_voc_segmentation, read_labelled
from proxy_trainer.engine.augment import view_pixels
from proxy_trainer.engine.proxy_network import normalise
from proxy_trainer.engine.tensor_ops import TensorOps
from proxy_trainer.tasks.fixed_network import FixedTrainee, TaskOptions
from proxy_trainer.tasks.segmenter import Segmenter, ious, upsampled_logits
from search_space.task_network import task_network

_VIEWS = 1
_CACHE_BYTES = 512 * 2**20


class SegmentationBatch(NamedTuple):
    """Padded `pixels` `[batch, px, px, 3]` uint8, their `sizes` `[batch, 2]` and `windows` `[batch, 4]` of their views.

    `labels` `[batch, px, px]` uint8 are those of the views.
    """

    pixels: npt.NDArray[np.uint8]
    sizes: npt.NDArray[np.int32]
    windows: npt.NDArray[np.float32]
    labels: npt.NDArray[np.uint8]


class Segmentation(FixedTrainee[SegmentationBatch]):
    """Trains a network for semantic segmentation and scores the mean IoU on whole pictures at their own size.

    Raises DataError and its kinds where the data cannot be used (`proxy_trainer.data.voc_segmentation`).
    """

    main_metric = "miou"

    def __init__(self, options: TaskOptions) -> None:
        self._data = load_voc_segmentation(options.data_dir)
        names = self._data.classes
        task = options.recipe.training
        network = task_network(options.model, "semantic-segmentation", task, len(names))
        self._epochs = ShuffledEpochs(len(self._data.train), task.batch_size, options.seed)
        self._pool = ThreadPoolExecutor(options.threads, thread_name_prefix="pictures")
        self._resized = BoundedCache(self._training_picture, _CACHE_BYTES)
        classes = [{"id": number, "name": name} for number, name in enumerate(names)]
        super().__init__(options, network, classes, len(self._data.train))
        self._segmenter = Segmenter(network, self._inference_ops)

    def evaluate(self) -> dict[str, float | None]:
        """`ious` on the validation pictures. Raises as `Segmenter.confusion_on`."""
        return ious(self._segmenter.confusion_on(self._data.val, self._pool), [each["name"] for each in self.classes])

    def data_section(self) -> dict[str, Any]:
        """`files_identity` of both splits."""
        directory = self.options.data_dir
        splits = {"train": self._data.train, "reserved": self._data.val}
        return {name: files_identity(split.images, split.masks, directory) for name, split in splits.items()}

    def data_digest(self) -> str:
        """A digest of the names and sizes of all pictures and masks."""
        train, val = self._data.train, self._data.val
        return files_digest((*train.images, *train.masks, *val.images, *val.masks), self.options.data_dir)

    def _training_picture(self, index: int) -> tuple[Pixels, Labels, npt.NDArray[np.int32]]:
        """A training picture and its labels, resized and padded, and its size without padding."""
        pixels, labels = read_labelled(self._data.train, index, len(self.classes))
        size = np.array(resized_size(labels.shape[0], labels.shape[1], self.task.image_px), np.int32)
        return (*resize_labelled(pixels, labels, self.task.image_px), size)

    def _batch(self, step: int) -> SegmentationBatch:
        pictures = list(self._pool.map(self._resized, self._epochs.batch(step).tolist()))
        sizes = np.stack([size for _, _, size in pictures])
        views = draw_views(self.task, sizes, np.random.default_rng([self.options.seed, _VIEWS, step]))
        return SegmentationBatch(
            np.stack([pixels for pixels, _, _ in pictures]),
            sizes,
            sampling_windows(views, self.task.image_px),
            np.stack([view_labels(labels, views, index) for index, (_, labels, _) in enumerate(pictures)]),
        )

    def _batch_signature(self) -> Any:
        px = self.task.image_px
        return SegmentationBatch(
            tf.TensorSpec([None, px, px, 3], tf.uint8),
            tf.TensorSpec([None, 2], tf.int32),
            tf.TensorSpec([None, 4]),
            tf.TensorSpec([None, px, px], tf.uint8),
        )

    def _losses(self, ops_of: Callable[..., Any], batch: SegmentationBatch) -> tuple[TensorOps, dict[str, tf.Tensor]]:
        ops = ops_of()
        images = view_pixels(normalise(batch.pixels, batch.sizes), batch.windows)
        loss = pixel_cross_entropy(upsampled_logits(self.network, ops, images), batch.labels)
        return ops, {"loss": loss}


def pixel_cross_entropy(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """The mean cross-entropy of logits `[batch, h, w, classes]` over the pixels whose label is not IGNORED.

    0 where every pixel is ignored. `labels` are `[batch, h, w]` uint8.
    """
    counted = tf.cast(labels != IGNORED, tf.float32)
    known = tf.where(labels != IGNORED, tf.cast(labels, tf.int32), 0)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(known, logits)
    return tf.reduce_sum(losses * counted) / tf.maximum(tf.reduce_sum(counted), 1.0)
