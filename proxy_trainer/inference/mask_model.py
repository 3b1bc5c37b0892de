"""Mask R-CNN, as `effspine evaluate` and `effspine predict` run it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as rle

from proxy_trainer.data.box_drawing import class_colour
from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.data.data_identity import SplitIdentity
from proxy_trainer.data.decoded_images import decode_split
from proxy_trainer.data.images import load_upright_image, resize_and_pad, resized_size
from proxy_trainer.data.instance_masks import load_instance_masks
from proxy_trainer.data.task_layouts import check_layout
from proxy_trainer.inference.detection_model import object_line
from proxy_trainer.inference.evaluation_report import is_held_out
from proxy_trainer.inference.mask_drawing import blended
from proxy_trainer.inference.prediction import Found, Prediction, drawn
from proxy_trainer.inference.runnable import Predicted, PredictOptions, Progress, Report, Scored
from proxy_trainer.inference.scored_split import ClassMap, class_map, scored_split
from proxy_trainer.tasks.inference_ops import loaded_ops
from proxy_trainer.tasks.mask_detector import MaskDetector, original_boxes
from proxy_trainer.tasks.mask_evaluation import MaskDetections, MaskEvaluator, mask_probabilities, pasted
from proxy_trainer.training.evaluation import CocoEvaluator, Scores
from search_space.detector import SHOWN_SCORE
from search_space.task_model import TaskModel


class MaskModel:
    """A `Runnable`."""

    def __init__(self, path: Path, model: TaskModel, anchor_size: float, threads: int) -> None:
        self._path, self._model, self._threads = path, model, threads
        self._detector = MaskDetector(model.network, anchor_size, loaded_ops(model.tensors))

    def evaluate(self, data: Path, split: str, cache_dir: Path, progress: Progress) -> Report:
        """The twelve COCO metrics of boxes and of masks, and both APs of each class.

        Raises DataError where an object of the data has no outline.
        """
        check_layout(data, "instance-segmentation")
        images = scored_split(data, split, self._model.recipe.get("training"))
        classes = class_map(self._model, images)
        evaluators = CocoEvaluator(images), MaskEvaluator(images, load_instance_masks(images))
        decoded = decode_split(images, self._model.architecture.input_px, cache_dir, threads=self._threads)
        identity = SplitIdentity.of(images, decoded.image_digests)
        held_out = is_held_out(self._model, identity)
        began = time.monotonic()
        boxes, masks = self._detector.detections_on(decoded, images.sizes, progress)
        seconds = time.monotonic() - began
        box_scores = evaluators[0].scores(classes.applied(boxes))
        mask_scores = evaluators[1].scores(_applied(classes, masks))
        metrics = {**box_scores.metrics, **mask_scores.metrics}
        rows = _class_rows(images, box_scores, mask_scores)
        return Scored(
            task="instance-segmentation",
            path=self._path,
            name=self._model.name,
            where=images.annotations_file,
            data={
                "annotations": str(images.annotations_file),
                "images": identity.images,
                "boxes": identity.boxes,
                "data_sha256": identity.sha256,
            },
            is_held_out=held_out,
            figures=metrics,
            columns=("boxes", "ap", "mask_ap"),
            classes=rows,
            seconds=seconds,
            facts=[("boxes", f"{identity.boxes:,}")],
        ).report()

    def predict(self, picture: Path, options: PredictOptions) -> Predicted:
        """The objects with at least a score: box and run-length encoded mask; and the picture with both."""
        options.refuse("instance-segmentation", "top")
        lowest = SHOWN_SCORE if options.score is None else options.score
        pixels = load_upright_image(picture)
        height, width = pixels.shape[:2]
        px = self._model.architecture.input_px
        padded, scale = resize_and_pad(pixels, px)
        found = self._detector.detect(padded[None], np.array([resized_size(height, width, px)], np.int32))
        boxes = original_boxes(found.boxes, np.full(len(found.boxes), scale))
        objects, masks = [], []
        for (x, y, w, h), score, slot, logits in zip(boxes, found.scores, found.classes, found.logits, strict=True):
            box = (max(0.0, x), max(0.0, y), min(x + w, float(width)), min(y + h, float(height)))
            if score < lowest or box[0] >= box[2] or box[1] >= box[3]:
                continue
            name = str(self._model.classes[slot]["name"])
            objects.append(Found((box[0], box[1], box[2], box[3]), float(score), int(slot), name))
            masks.append(pasted(mask_probabilities(logits), np.array([x, y, w, h]), (height, width)))
        prediction = Prediction(picture, pixels, tuple(objects))
        document = prediction.to_dict()
        for each, mask in zip(document["detections"], masks, strict=True):
            each["mask"] = {"size": [height, width], "counts": bytes(mask["counts"]).decode()}
        lines = [object_line(each) for each in document["detections"]]
        colours = [
            (rle.decode(mask).astype(bool), class_colour(each.slot)) for mask, each in zip(masks, objects, strict=True)
        ]

        return Predicted(
            document,
            f"{len(objects)} found",
            lines,
            lambda: {"drawn": drawn(Prediction(picture, blended(pixels, reversed(colours)), tuple(objects)))},
        )


def _applied(classes: ClassMap, found: MaskDetections) -> MaskDetections:
    """The masks by categories of the split, without those of other classes."""
    categories = np.array(classes.categories, np.int32)[found.categories]
    known = categories >= 0
    encoded = tuple(each for each, is_known in zip(found.encoded, known, strict=True) if is_known)
    return MaskDetections(found.images[known], categories[known], found.scores[known], encoded)


def _class_rows(split: CocoSplit, boxes: Scores, masks: Scores) -> list[dict[str, Any]]:
    """Each category of the data: id, name, boxes that are scored, AP of boxes and of masks."""
    counts = np.bincount(split.categories[~split.crowd], minlength=len(split.category_ids)).tolist()
    columns = zip(split.category_ids, split.category_names, counts, boxes.category_aps, masks.category_aps, strict=True)
    return [dict(zip(("id", "name", "boxes", "ap", "mask_ap"), row, strict=True)) for row in columns]
