"""Compares the COCO evaluation with that of pycocotools on the same detections (`effspine bench evaluation`)."""

from __future__ import annotations

import hashlib
import io
import time
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.training.evaluation import Detections, coco_metrics, ground_truth

CATEGORIES = 80
BOXES_PER_IMAGE = 7.3
DETECTIONS_PER_IMAGE = 100
_HEIGHT, _WIDTH = 480, 640
_NEAR_BOX_FRACTION = 0.2
_CROWD_FRACTION = 0.01


def evaluation_benchmark(images: int, seed: int = 0) -> dict[str, Any]:
    """The document that `effspine bench evaluation --json` prints, for `images` images of 100 detections each.

    Our evaluation is timed from the arrays of a trainer to the twelve metrics, that of pycocotools from the Python
    objects that its interface takes. `max_difference` is the largest difference between two metrics.
    """
    rng = np.random.default_rng(seed)
    split = random_split(images, rng)
    detections = random_detections(split, rng)
    truth, results = ground_truth(split), _results(split, detections)

    started = time.perf_counter()
    ours = coco_metrics(split, detections)
    seconds = time.perf_counter() - started
    started = time.perf_counter()
    theirs = _pycocotools(truth, results)
    pycocotools_seconds = time.perf_counter() - started

    differences = [abs((-1.0 if a is None else a) - b) for a, b in zip(ours.values(), theirs, strict=True)]
    return {
        "images": images,
        "seconds": round(seconds, 3),
        "pycocotools_seconds": round(pycocotools_seconds, 3),
        "ratio": round(pycocotools_seconds / seconds, 3),
        "max_difference": max(differences),
        "detections": len(detections.scores),
        "categories": CATEGORIES,
        "ap": ours["ap"],
    }


def random_split(images: int, rng: np.random.Generator) -> CocoSplit:
    """Random ground truth as dense as that of COCO: boxes of all sizes, few frequent and many rare categories."""
    counts = rng.poisson(BOXES_PER_IMAGE, images)
    counts[0] += 1  # at least one box, even for one image
    total = int(counts.sum())
    sides = np.minimum(np.exp(rng.normal(4.0, 1.0, (total, 2))), (_WIDTH, _HEIGHT))
    corners = rng.uniform(0, np.array([_WIDTH, _HEIGHT]) - sides)
    frequencies = 1 / np.arange(1, CATEGORIES + 1)
    crowd = rng.random(total) < _CROWD_FRACTION
    crowd[0] = False
    return CocoSplit(
        images_dir=Path(),
        annotations_file=Path("random.json"),
        annotations_sha256=hashlib.sha256().hexdigest(),
        image_ids=tuple(range(1, images + 1)),
        image_ranks=np.arange(images),
        file_names=tuple(f"{number}.jpg" for number in range(1, images + 1)),
        sizes=np.tile(np.array([[_HEIGHT, _WIDTH]], np.int32), (images, 1)),
        box_images=np.repeat(np.arange(images, dtype=np.int32), counts),
        boxes=np.concatenate([corners, sides], axis=1),
        categories=rng.choice(CATEGORIES, total, p=frequencies / frequencies.sum()).astype(np.int32),
        areas=sides.prod(axis=1) * rng.uniform(0.4, 1.0, total),
        crowd=crowd,
        category_ids=tuple(range(1, CATEGORIES + 1)),
        category_names=tuple(f"category {number}" for number in range(1, CATEGORIES + 1)),
    )


def random_detections(split: CocoSplit, rng: np.random.Generator) -> Detections:
    """100 random detections per image, as of a half-trained detector: some near true boxes, most anywhere."""
    image = np.repeat(np.arange(len(split)), DETECTIONS_PER_IMAGE)
    counts = np.bincount(split.box_images, minlength=len(split))
    first = np.cumsum(counts) - counts
    near = (rng.random(len(image)) < _NEAR_BOX_FRACTION) & (counts[image] > 0)
    of = np.minimum(first[image] + (rng.random(len(image)) * counts[image]).astype(int), len(split.boxes) - 1)
    jittered = split.boxes[of] * np.exp(rng.normal(0, 0.07, (len(image), 4)))
    sides = np.exp(rng.normal(4.0, 1.0, (len(image), 2)))
    anywhere = np.concatenate([rng.uniform(0, (_WIDTH, _HEIGHT), sides.shape), sides], axis=1)
    right = near & (rng.random(len(image)) < 0.8)
    return Detections(
        images=image,
        boxes=np.where(near[:, None], jittered, anywhere).astype(np.float32),
        scores=(rng.beta(1, 8, len(image)) + 0.3 * near * rng.random(len(image))).clip(0, 1).astype(np.float32),
        categories=np.where(right, split.categories[of], rng.integers(0, CATEGORIES, len(image))),
    )


def _results(split: CocoSplit, detections: Detections) -> list[dict[str, Any]]:
    """The detections in the form that `loadRes` of pycocotools takes."""
    columns = (
        split.image_ranks[detections.images],
        detections.categories,
        np.asarray(detections.boxes, np.float64),
        np.asarray(detections.scores, np.float64),
    )
    return [
        {"image_id": image, "category_id": category, "bbox": box, "score": score}
        for image, category, box, score in zip(*(column.tolist() for column in columns), strict=True)
    ]


def _pycocotools(truth: dict[str, Any], results: list[dict[str, Any]]) -> list[float]:
    """The twelve metrics of pycocotools, in the order of ours; -1 where there is nothing to score."""
    with redirect_stdout(io.StringIO()):
        document = COCO()
        document.dataset = truth
        document.createIndex()
        evaluation = COCOeval(document, document.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return [float(value) for value in evaluation.stats]
