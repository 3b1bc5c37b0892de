"""Image classification (section 4.2, Table 10): softmax cross-entropy on one directory of pictures per class."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from proxy_trainer.data.files_digest import files_digest
from proxy_trainer.data.image_folder import central_crop, load_image_folder, training_crop
from proxy_trainer.data.shuffled_epochs import ShuffledEpochs
from proxy_trainer.engine.proxy_network import normalise
from proxy_trainer.engine.tensor_ops import TensorOps, uniform_draws
from proxy_trainer.tasks.fixed_network import FixedTrainee, TaskOptions
from search_space.task_network import task_network

_EVALUATION_BATCH = 64
_CROPS = 1
_TOP = 5


class ClassificationBatch(NamedTuple):
    """Cropped `pixels` `[batch, px, px, 3]` uint8 and their `labels` `[batch]`."""

    pixels: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int32]


class Classification(FixedTrainee[ClassificationBatch]):
    """Trains a classifier and scores top-1 and top-5 accuracy.

    Raises DataError and its kinds where the data cannot be used (`proxy_trainer.data.image_folder`).
    """

    main_metric = "top1"

    def __init__(self, options: TaskOptions) -> None:
        self._data = load_image_folder(options.data_dir)
        names = self._data.classes
        task = options.recipe.training
        network = task_network(options.model, "classification", task, len(names))
        self._epochs = ShuffledEpochs(len(self._data.train), task.batch_size, options.seed)
        self._pool = ThreadPoolExecutor(options.threads, thread_name_prefix="crops")
        super().__init__(options, network, [{"id": name, "name": name} for name in names], len(self._data.train))
        self._predict = tf.function(self._logits, input_signature=[self._pixels_signature()], autograph=False)

    def evaluate(self) -> dict[str, float | None]:
        """`top1` and `top5`, the shares of images whose class is among the best; `top5` is None below six classes."""
        val, px = self._data.val, self.task.image_px
        logits = []
        for start in range(0, len(val), _EVALUATION_BATCH):
            paths = val.paths[start : start + _EVALUATION_BATCH]
            crops = list(self._pool.map(lambda path: central_crop(path, px, self.recipe.crop_padding_px), paths))
            logits.append(self._predict(np.stack(crops)).numpy())
        found = np.concatenate(logits)
        return {
            "top1": top_accuracy(found, val.labels, 1),
            "top5": top_accuracy(found, val.labels, _TOP) if len(self.classes) > _TOP else None,
        }

    def data_digest(self) -> str:
        """A digest of the names and sizes of all pictures."""
        return files_digest((*self._data.train.paths, *self._data.val.paths), self.options.data_dir)

    def _batch(self, step: int) -> ClassificationBatch:
        task, train = self.task, self._data.train
        images = self._epochs.batch(step)

        def crop(place: int) -> npt.NDArray[np.uint8]:
            rng = np.random.default_rng([self.options.seed, _CROPS, step, place])
            path = train.paths[images[place]]
            return training_crop(path, task.image_px, self.recipe.smallest_crop, task.flip, rng)

        return ClassificationBatch(np.stack(list(self._pool.map(crop, range(len(images))))), train.labels[images])

    def _batch_signature(self) -> Any:
        return ClassificationBatch(self._pixels_signature(), tf.TensorSpec([None], tf.int32))

    def _pixels_signature(self) -> tf.TensorSpec:
        return tf.TensorSpec([None, self.task.image_px, self.task.image_px, 3], tf.uint8)

    def _losses(self, ops_of: Callable[..., Any], batch: ClassificationBatch) -> tuple[TensorOps, dict[str, tf.Tensor]]:
        ops = ops_of(DropoutOps, dropout=self.recipe.dropout)
        logits = self._network_logits(ops, batch.pixels)
        loss = smoothed_cross_entropy(logits, batch.labels, self.recipe.label_smoothing)
        return ops, {"loss": loss}

    def _logits(self, pixels: tf.Tensor) -> tf.Tensor:
        return self._network_logits(self._inference_ops(), pixels)

    def _network_logits(self, ops: TensorOps, pixels: tf.Tensor) -> tf.Tensor:
        px = self.task.image_px
        images = normalise(pixels, tf.fill([tf.shape(pixels)[0], 2], px))
        return tf.reshape(self.network(ops, images), [-1, len(self.classes)])


class DropoutOps(TensorOps):
    """`TensorOps` that drops a share `dropout` of the classifier's input features in training."""

    def __init__(self, *arguments: Any, dropout: float, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._dropout = dropout

    def conv(self, x: tf.Tensor, width: int, name: str, **settings: Any) -> tf.Tensor:
        if name == "classifier" and self._dropout:
            seed = tf.random.experimental.stateless_fold_in(self._path_seed, 0, alg="philox")
            draw = tf.reshape(uniform_draws(tf.size(x), seed), tf.shape(x))
            keep = 1.0 - self._dropout
            x = x * tf.cast(draw < keep, x.dtype) / keep
        return super().conv(x, width, name, **settings)


def smoothed_cross_entropy(logits: tf.Tensor, labels: tf.Tensor, smoothing: float) -> tf.Tensor:
    """The mean cross-entropy of logits `[batch, classes]` with labels `[batch]`.

    The target has 1 - `smoothing` at the label and `smoothing` spread evenly over all classes (C. Szegedy et al.,
    "Rethinking the Inception Architecture", CVPR 2016, section 7).
    """
    classes = int(logits.shape[-1])
    targets = tf.one_hot(labels, classes) * (1.0 - smoothing) + smoothing / classes
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(targets, logits))


def top_accuracy(logits: npt.NDArray[np.floating], labels: npt.NDArray[np.integer], count: int) -> float:
    """The share of rows of `logits` [n, classes] where the label [n] is among the `count` largest.

    Of equal logits, those of smaller class numbers rank first.
    """
    own = logits[np.arange(len(labels)), labels][:, None]
    before = (logits > own) | ((logits == own) & (np.arange(logits.shape[1]) < labels[:, None]))
    return float(np.mean(before.sum(axis=1) < count))
