"""Detections in the form that `predict.py` prints, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.data.decoded_images import DecodedSplit
from proxy_trainer.detection_batch import DetectionBatch
from proxy_trainer.training.evaluation import Detections

Rows = list[list[dict[str, Any]]]
"""For each image, its detections: `box` (x1, y1, x2, y2) in its pixels and within it, `score` and `class`."""


def rows_of(found: DetectionBatch, images: DecodedSplit, split: CocoSplit) -> Rows:
    """The engine's detections, cut to the images; those in the padding are left out."""
    boxes = found.boxes[..., [1, 0, 3, 2]] / images.scales[:, None, None]
    rows: Rows = []
    for image, (height, width) in enumerate(split.sizes.tolist()):
        cut = np.clip(boxes[image], 0, [width, height, width, height])
        is_inside = np.all(cut[:, :2] < cut[:, 2:], axis=1)
        rows.append(
            [
                {"box": cut[place], "score": found.scores[image, place], "class": int(found.classes[image, place])}
                for place in range(found.valid[image])
                if is_inside[place]
            ]
        )
    return rows


def detections_of(rows: Rows) -> Detections:
    """The detections as the evaluation takes them."""
    flat = [(index, each) for index, detections in enumerate(rows) for each in detections]
    corners = np.array([each["box"] for _, each in flat])
    return Detections(
        images=np.array([index for index, _ in flat]),
        boxes=np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1),
        scores=np.array([each["score"] for _, each in flat]),
        categories=np.array([each["class"] for _, each in flat]),
    )
