"""Image classification (section 4.2, Table 10): softmax cross-entropy on one directory of pictures per class."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from proxy_trainer.data.auto_augment import auto_augmented
from proxy_trainer.data.files_digest import files_digest, files_identity
from proxy_trainer.data.image_folder import load_image_folder, training_crop
from proxy_trainer.data.shuffled_epochs import ShuffledEpochs
from proxy_trainer.engine.tensor_ops import TensorOps, uniform_draws
from proxy_trainer.tasks.classifier import Classifier, accuracies, class_logits, crops_signature
from proxy_trainer.tasks.fixed_network import FixedTrainee, TaskOptions
from search_space.task_network import task_network

_CROPS = 1


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
        self._classifier = Classifier(network, self._inference_ops)

    def evaluate(self) -> dict[str, float | None]:
        """`accuracies` on the central crops of the validation images."""
        val = self._data.val
        return accuracies(self._classifier.logits_on(val, self.recipe.crop_padding_px, self._pool), val.labels)

    def data_section(self) -> dict[str, Any]:
        """`files_identity` of both splits."""
        directory = self.options.data_dir
        splits = {"train": self._data.train, "reserved": self._data.val}
        return {name: files_identity(split.paths, (), directory) for name, split in splits.items()}

    def data_digest(self) -> str:
        """A digest of the names and sizes of all pictures."""
        return files_digest((*self._data.train.paths, *self._data.val.paths), self.options.data_dir)

    def _batch(self, step: int) -> ClassificationBatch:
        task, train = self.task, self._data.train
        images = self._epochs.batch(step)

        def crop(place: int) -> npt.NDArray[np.uint8]:
            rng = np.random.default_rng([self.options.seed, _CROPS, step, place])
            path = train.paths[images[place]]
            cropped = training_crop(path, task.image_px, self.recipe.smallest_crop, task.flip, rng)
            return auto_augmented(cropped, rng) if self.recipe.auto_augment else cropped

        return ClassificationBatch(np.stack(list(self._pool.map(crop, range(len(images))))), train.labels[images])

    def _batch_signature(self) -> Any:
        return ClassificationBatch(crops_signature(self.task.image_px), tf.TensorSpec([None], tf.int32))

    def _losses(self, ops_of: Callable[..., Any], batch: ClassificationBatch) -> tuple[TensorOps, dict[str, tf.Tensor]]:
        ops = ops_of(DropoutOps, dropout=self.recipe.dropout)
        logits = class_logits(self.network, ops, batch.pixels)
        loss = smoothed_cross_entropy(logits, batch.labels, self.recipe.label_smoothing)
        return ops, {"loss": loss}


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
