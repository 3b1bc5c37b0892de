"""Detection by the networks that the paper compares with: RetinaNet on EfficientNet-FPN, ResNet-50-FPN, SpineNet-49."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from proxy_trainer.engine.augment import view_pixels
from proxy_trainer.engine.boxes import decode
from proxy_trainer.engine.detections import non_max_suppression
from proxy_trainer.engine.losses import detection_loss
from proxy_trainer.engine.proxy_network import normalise
from proxy_trainer.engine.targets import targets_of
from proxy_trainer.engine.tensor_ops import TensorOps
from proxy_trainer.engine.training_batch import TrainingBatch
from proxy_trainer.tasks.coco_data import load_coco_data, original_boxes
from proxy_trainer.tasks.fixed_network import FixedTrainee, TaskOptions
from proxy_trainer.training.evaluation import CocoEvaluator, Detections
from proxy_trainer.training.training_batches import TrainingBatches
from search_space.anchors import anchor_boxes
from search_space.networks.retinanet import LEVELS
from search_space.task_network import task_network

_EVALUATION_BATCH = 16


class FpnDetection(FixedTrainee[TrainingBatch]):
    """Trains RetinaNet of any fixed network with the losses, views and metrics of the engine.

    Raises DataError and its kinds where the COCO directory cannot be used.
    """

    main_metric = "ap"

    def __init__(self, options: TaskOptions) -> None:
        self._data = load_coco_data(options)
        task = options.recipe.training
        network = task_network(options.model, "detection", task, len(self._data.classes))
        self._anchors = tf.constant(anchor_boxes(task.image_px, task.anchor_size))
        self._training_batches = TrainingBatches(self._data.train_images, task, options.seed)
        self._evaluator = CocoEvaluator(self._data.held_out)
        super().__init__(options, network, self._data.classes, len(self._data.train))
        signature = self._batch_signature()
        self._detect = tf.function(
            self._detections, input_signature=[signature.pixels, signature.sizes], autograph=False
        )

    def evaluate(self) -> dict[str, float | None]:
        """The twelve COCO box metrics on the held-out images."""
        images, parts = self._data.held_out_images, []
        for start in range(0, len(images), _EVALUATION_BATCH):
            rows = np.arange(start, min(start + _EVALUATION_BATCH, len(images)))
            boxes, scores, classes, valid = (
                found.numpy() for found in self._detect(images.pixels[rows], images.sizes[rows])
            )
            row, column = np.nonzero(np.arange(scores.shape[1]) < valid[:, None])
            parts.append((rows[row], boxes[row, column], scores[row, column], classes[row, column]))
        image, boxes, scores, classes = (np.concatenate(column) for column in zip(*parts, strict=True))
        found = original_boxes(boxes, images.scales[image])
        return self._evaluator.metrics(Detections(image, found, scores, classes.astype(np.int32)))

    def data_digest(self) -> str:
        """The digest of the content of both splits."""
        return self._data.digest

    def _batch(self, step: int) -> TrainingBatch:
        return self._training_batches.batch(step)

    def _batch_signature(self) -> Any:
        px = self.task.image_px
        return TrainingBatch(
            pixels=tf.TensorSpec([None, px, px, 3], tf.uint8),
            sizes=tf.TensorSpec([None, 2], tf.int32),
            windows=tf.TensorSpec([None, 4]),
            boxes=tf.TensorSpec([None, None, 4]),
            classes=tf.TensorSpec([None, None], tf.int32),
            matches=tf.TensorSpec([None, len(self._anchors)], tf.int16),
        )

    def _losses(self, ops_of: Callable[..., Any], batch: TrainingBatch) -> tuple[TensorOps, dict[str, tf.Tensor]]:
        ops = ops_of()
        images = view_pixels(normalise(batch.pixels, batch.sizes), batch.windows)
        targets = targets_of(self._anchors, batch.boxes, batch.classes, batch.matches)
        logits, codes = self._by_anchor(self.network(ops, images))
        loss = detection_loss(logits, codes, targets)
        return ops, {"loss": loss.total, "classes": loss.classes, "boxes": loss.boxes}

    def _detections(self, pixels: tf.Tensor, sizes: tf.Tensor) -> Any:
        logits, codes = self._by_anchor(self.network(self._inference_ops(), normalise(pixels, sizes)))
        boxes = decode(codes, self._anchors, (self.task.image_px, self.task.image_px))
        return non_max_suppression(boxes, tf.nn.sigmoid(logits))

    def _by_anchor(self, outputs: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """Class logits `[batch, anchors, classes]` and box codes `[batch, anchors, 4]`."""
        parts = []
        for maps, values in ((outputs.class_logits, self.network.outputs), (outputs.boxes, 4)):
            flat = [tf.reshape(maps[level], [tf.shape(maps[level])[0], -1, values]) for level in LEVELS]
            parts.append(tf.ensure_shape(tf.concat(flat, axis=1), [None, len(self._anchors), values]))
        return parts[0], parts[1]
