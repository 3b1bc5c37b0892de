"""Detection by the networks that the paper compares with: RetinaNet on EfficientNet-FPN, ResNet-50-FPN, SpineNet-49."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from proxy_trainer.engine.augment import view_pixels
from proxy_trainer.engine.losses import detection_loss
from proxy_trainer.engine.proxy_network import normalise
from proxy_trainer.engine.targets import targets_of
from proxy_trainer.engine.tensor_ops import TensorOps
from proxy_trainer.engine.training_batch import TrainingBatch
from proxy_trainer.tasks.coco_data import load_coco_data
from proxy_trainer.tasks.fixed_detector import FixedDetector, predictions_by_anchor
from proxy_trainer.tasks.fixed_network import FixedTrainee, TaskOptions
from proxy_trainer.training.evaluation import CocoEvaluator
from proxy_trainer.training.scoring import detections_on
from proxy_trainer.training.training_batches import TrainingBatches
from search_space.anchors import anchor_boxes
from search_space.task_network import task_network


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
        self._detector = FixedDetector(network, task.anchor_size, self._inference_ops)

    def evaluate(self) -> dict[str, float | None]:
        """The twelve COCO box metrics on the held-out images."""
        return self._evaluator.metrics(detections_on(self._data.held_out_images, self._detector))

    def data_section(self) -> dict[str, Any]:
        """The identity of both splits by content."""
        return self._data.identity.to_dict()

    def data_digest(self) -> str:
        """The digest of the content of both splits."""
        return self._data.identity.sha256

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
        logits, codes = predictions_by_anchor(self.network(ops, images), len(self._anchors), self.network.outputs)
        loss = detection_loss(logits, codes, targets)
        return ops, {"loss": loss.total, "classes": loss.classes, "boxes": loss.boxes}
