"""Evaluates a detector on a split: the twelve COCO metrics, and the AP of each class."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.data.data_identity import SplitIdentity
from proxy_trainer.data.decoded_images import decode_split
from proxy_trainer.inference.detector import LoadedDetector
from proxy_trainer.inference.scored_split import class_map
from proxy_trainer.training.evaluation import CocoEvaluator, Scores
from proxy_trainer.training.scoring import detections_on
from search_space.document import BlockSpecification
from search_space.task_model import TaskModel


@dataclass(frozen=True)
class EvaluationReport:
    """What `effspine evaluate` found.

    `is_held_out` says whether the images are those that the figures in the model are of, None where it has no figures.
    """

    detector: LoadedDetector
    split: CocoSplit
    identity: SplitIdentity
    scores: Scores
    is_held_out: bool | None
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return {
            "model": str(self.detector.path),
            "format": self.detector.format,
            "annotations": str(self.split.annotations_file),
            "images": self.identity.images,
            "boxes": self.identity.boxes,
            "data_sha256": self.identity.sha256,
            "is_held_out": self.is_held_out,
            "figures": self.scores.metrics,
            "classes": self.class_rows(),
            "seconds": round(self.seconds, 3),
        }

    def class_rows(self) -> list[dict[str, Any]]:
        """Each category of the data: id, name, boxes that are scored, and AP."""
        split = self.split
        boxes = np.bincount(split.categories[~split.crowd], minlength=len(split.category_ids)).tolist()
        columns = zip(split.category_ids, split.category_names, boxes, self.scores.category_aps, strict=True)
        return [dict(zip(("id", "name", "boxes", "ap"), row, strict=True)) for row in columns]


def evaluate_detector(
    detector: LoadedDetector,
    split: CocoSplit,
    cache_dir: Path,
    progress: Callable[[int, int], None],
    *,
    threads: int | None = None,
) -> EvaluationReport:
    """The report on one split, whose images `threads` threads decode, by default one for each processor.

    Raises InvalidValueError where detector and data have no class in common, and DataError for images that cannot be
    read or a split without a box to score against.
    """
    classes, evaluator = class_map(detector.specification, split), CocoEvaluator(split)
    images = decode_split(split, detector.image_px, cache_dir, threads=threads)
    identity = SplitIdentity.of(split, images.image_digests)
    began = time.monotonic()
    detections = detections_on(images, detector.detects, progress)
    seconds = time.monotonic() - began
    scores = evaluator.scores(classes.applied(detections))
    return EvaluationReport(detector, split, identity, scores, is_held_out(detector.specification, identity), seconds)


def is_held_out(specification: BlockSpecification | TaskModel, found: SplitIdentity) -> bool | None:
    """Whether a split is the one that the figures in the model are of; None where it has no figures."""
    data = specification.provenance.get("data")
    if data is None or specification.figures is None:
        return None
    return bool(SplitIdentity(**data["reserved"]) == found)
