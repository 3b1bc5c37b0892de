"""Mask R-CNN (section 4.1, Table 6) on COCO data with outlines: boxes and masks of objects.

The network is written once, in `search_space.networks.mask_rcnn`; in training its regions are sampled by
`proxy_trainer.tasks.region_sampling`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from proxy_trainer.data.instance_masks import MASK_PX, load_instance_masks
from proxy_trainer.engine.augment import view_pixels
from proxy_trainer.engine.proxy_network import by_anchor, normalise
from proxy_trainer.engine.tensor_ops import TensorOps
from proxy_trainer.tasks.coco_data import load_coco_data
from proxy_trainer.tasks.fixed_network import FixedTrainee, TaskOptions
from proxy_trainer.tasks.mask_batches import MaskBatch, MaskBatches, proposal_anchors
from proxy_trainer.tasks.mask_detector import MaskDetector
from proxy_trainer.tasks.mask_evaluation import MaskEvaluator
from proxy_trainer.tasks.mask_losses import mask_loss, mask_targets, proposal_losses, region_losses
from proxy_trainer.tasks.region_sampling import TrainingRegionOps, Truth
from proxy_trainer.training.evaluation import CocoEvaluator
from search_space.task_network import task_network


class InstanceSegmentation(FixedTrainee[MaskBatch]):
    """Trains Mask R-CNN end to end and scores boxes and masks on the held-out images.

    Raises DataError and its kinds where the COCO directory cannot be used or an object has no outline.
    """

    main_metric = "mask_ap"

    def __init__(self, options: TaskOptions) -> None:
        self._data = load_coco_data(options)
        recipe, task = options.recipe, options.recipe.training
        regions = recipe.regions(options.model)
        network = task_network(options.model, "instance-segmentation", task, len(self._data.classes), regions)
        train_masks, held_out_masks = (load_instance_masks(split) for split in (self._data.train, self._data.held_out))
        self._mask_batches = MaskBatches(
            self._data.train_images, train_masks, task, recipe.sampled_anchors, options.seed
        )
        self._anchors = tf.constant(proposal_anchors(task.image_px, task.anchor_size))
        self._boxes = CocoEvaluator(self._data.held_out)
        self._masks = MaskEvaluator(self._data.held_out, held_out_masks)
        super().__init__(options, network, self._data.classes, len(self._data.train))
        self._detector = MaskDetector(network, task.anchor_size, self._inference_ops)

    def evaluate(self) -> dict[str, float | None]:
        """The twelve COCO metrics of boxes, and of masks as `mask_ap` and so on."""
        boxes, masks = self._detector.detections_on(self._data.held_out_images, self._data.held_out.sizes)
        return {**self._boxes.metrics(boxes), **self._masks.metrics(masks)}

    def data_section(self) -> dict[str, Any]:
        """The identity of both splits by content."""
        return self._data.identity.to_dict()

    def data_digest(self) -> str:
        """The digest of the content of both splits and of their annotation files, which have the outlines."""
        files = (self._data.train.annotations_sha256, self._data.held_out.annotations_sha256)
        return hashlib.sha256(" ".join((self._data.identity.sha256, *files)).encode()).hexdigest()

    def _batch(self, step: int) -> MaskBatch:
        return self._mask_batches.batch(step)

    def _batch_signature(self) -> Any:
        px, anchors = self.task.image_px, len(self._anchors)
        return MaskBatch(
            pixels=tf.TensorSpec([None, px, px, 3], tf.uint8),
            sizes=tf.TensorSpec([None, 2], tf.int32),
            windows=tf.TensorSpec([None, 4]),
            boxes=tf.TensorSpec([None, None, 4]),
            classes=tf.TensorSpec([None, None], tf.int32),
            mask_boxes=tf.TensorSpec([None, None, 4]),
            masks=tf.TensorSpec([None, None, MASK_PX, MASK_PX]),
            labels=tf.TensorSpec([None, anchors], tf.int8),
            matches=tf.TensorSpec([None, anchors], tf.int16),
        )

    def _losses(self, ops_of: Callable[..., Any], batch: MaskBatch) -> tuple[TensorOps, dict[str, tf.Tensor]]:
        truth, count = Truth(batch.boxes, batch.classes), self.recipe.sampled_regions
        ops: TrainingRegionOps = ops_of(TrainingRegionOps, truth=truth, sampled_regions=count)
        ops.anchor_size = self.task.anchor_size
        outputs = self.network(ops, view_pixels(normalise(batch.pixels, batch.sizes), batch.windows))
        objectness, anchor_codes = by_anchor(outputs.objectness, 1), by_anchor(outputs.anchor_codes, 4)
        classes = self.network.outputs
        terms = dict(
            zip(
                ("objectness", "proposals"),
                proposal_losses(
                    objectness[..., 0], anchor_codes, self._anchors, batch.boxes, batch.labels, batch.matches
                ),
                strict=True,
            )
        )
        class_logits = tf.reshape(outputs.class_logits, (-1, count, classes))
        codes = tf.reshape(outputs.box_codes, (-1, count, classes, 4))
        terms["classes"], terms["boxes"] = region_losses(class_logits, codes, batch.boxes, ops.sampled)
        targets = mask_targets(batch.masks, batch.mask_boxes, ops.positives)
        shape = (-1, ops.positives.boxes.shape[1], *outputs.mask_logits.shape[1:])
        terms["masks"] = mask_loss(tf.reshape(outputs.mask_logits, shape), targets, ops.positives)
        return ops, {"loss": tf.add_n(list(terms.values())), **terms}
