"""COCO box metrics of detections by faster-coco-eval: equal to those of pycocotools, in a fraction of the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster
from numpy.typing import NDArray

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.data.coco_boxes import MAX_AREA
from proxy_trainer.detection_batch import DetectionBatch
from proxy_trainer.errors import EmptySplitError, NoMetricError
from search_space.coco_metrics import METRICS


@dataclass(frozen=True, eq=False)
class Detections:
    """Detected boxes, in any order; of equal scores the earlier box ranks first.

    `images` [d] and `categories` [d] are indices in the split; `boxes` [d, 4] are x, y, width, height in pixels of the
    original image; `scores` [d].
    """

    images: NDArray[np.integer]
    boxes: NDArray[np.floating]
    scores: NDArray[np.floating]
    categories: NDArray[np.integer]

    @classmethod
    def joined(cls, parts: Sequence[Detections]) -> Detections:
        """The detections of several batches."""
        return cls(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(cls)))


def in_original_pixels(found: DetectionBatch, images: NDArray[np.integer], scales: NDArray[np.floating]) -> Detections:
    """The valid detections of a batch as columns, with boxes (x, y, width, height) in pixels of the original images."""
    row, column = np.nonzero(np.arange(found.scores.shape[1]) < found.valid[:, None])
    y1, x1, y2, x2 = (found.boxes[row, column] / scales[row, None]).T
    return Detections(
        images=images[row],
        boxes=np.stack([x1, y1, x2 - x1, y2 - y1], axis=1),
        scores=found.scores[row, column],
        categories=found.classes[row, column].astype(np.int32),
    )


class CocoEvaluator:
    """Scores detections on one split, whose boxes are read once.

    Raises EmptySplitError where the split has no box to score against.
    """

    def __init__(self, split: CocoSplit) -> None:
        if split.crowd.all():
            raise EmptySplitError(f"the images of {split.annotations_file} have no box to score against")
        self._split = split
        self._truth = COCO(ground_truth(split), print_function=_silent)

    def metrics(self, detections: Detections) -> dict[str, float | None]:
        """The twelve COCO box metrics by their names in `COCO_METRICS`, 0 to 1.

        A metric of an area range without boxes in the split is None (-1 in pycocotools), but `ap` never is. Without
        detections the metrics are 0. Raises NoMetricError where the split's boxes have no area that is scored.
        """
        return self.scores(detections).metrics

    def scores(self, detections: Detections) -> Scores:
        """The metrics, and the AP of each category. Raises as `metrics`."""
        results = _results(self._split, detections)
        evaluation = COCOeval_faster(self._truth, results, iouType="bbox", print_function=_silent)
        evaluation.run()
        if not 0 <= evaluation.stats[0] <= 1:
            raise NoMetricError(_why_no_ap(self._split))
        pairs = zip(METRICS, evaluation.stats, strict=True)
        metrics = {name: None if value < 0 else float(value) for name, value in pairs}
        return Scores(metrics, category_aps(evaluation))


class Scores(NamedTuple):
    """The COCO box metrics by their names in `METRICS`, and the AP of each category, None for one without boxes."""

    metrics: dict[str, float | None]
    category_aps: list[float | None]


def category_aps(evaluation: COCOeval_faster) -> list[float | None]:
    """The AP of each category of an evaluation that has run, None for one without objects."""
    # Precision by overlap, recall, category, area range (the first is all) and detections (the last is 100).
    precision = evaluation.eval["precision"][:, :, :, 0, -1]
    of_categories = [precision[:, :, category] for category in range(precision.shape[2])]
    return [float(each.mean()) if (each > -1).all() else None for each in of_categories]


def coco_metrics(split: CocoSplit, detections: Detections) -> dict[str, float | None]:
    """The metrics of detections on a split that is scored once; see `CocoEvaluator`."""
    return CocoEvaluator(split).metrics(detections)


def _why_no_ap(split: CocoSplit) -> str:
    areas = split.areas[~split.crowd]
    unscored = int((~((areas >= 0) & (areas <= MAX_AREA))).sum())
    return (
        f"no AP could be measured on {split.annotations_file}: {unscored} of its {len(areas)} boxes have an area that "
        f"is not between 0 and {MAX_AREA:g} square pixels"
    )


def _silent(*_: object) -> None:
    """Discards what the evaluator prints, because standard output belongs to the command."""


def ground_truth(split: CocoSplit) -> dict[str, list[dict[str, object]]]:
    """The split as a COCO document with the fields that the evaluators read.

    Images are numbered by `image_ranks` and categories by their index: the evaluators hold ids in doubles, where
    neighbours from 2**53 on merge. The ranks keep the order of the file's ids, by which ties of scores are broken.
    """
    annotations = [
        {
            "id": number,
            "image_id": image,
            "category_id": category,
            "bbox": box,
            "area": area,
            "iscrowd": crowd,
        }
        for number, (image, category, box, area, crowd) in enumerate(
            zip(
                split.image_ranks[split.box_images].tolist(),
                split.categories.tolist(),
                split.boxes.tolist(),
                split.areas.tolist(),
                split.crowd.astype(int).tolist(),
                strict=True,
            ),
            start=1,
        )
    ]
    return {**_images_and_categories(split), "annotations": annotations}


def _results(split: CocoSplit, detections: Detections) -> COCO:
    """The detections as a COCO document with scores.

    `loadRes` of the evaluator would copy each detection and add an outline that box metrics do not read.
    """
    boxes = np.asarray(detections.boxes, np.float64).reshape(-1, 4)
    annotations = [
        {"id": number, "image_id": image, "category_id": category, "bbox": box, "score": score, "area": area}
        for number, (image, category, box, score, area) in enumerate(
            zip(
                split.image_ranks[detections.images].tolist(),
                detections.categories.tolist(),
                boxes.tolist(),
                np.asarray(detections.scores, np.float64).tolist(),
                (boxes[:, 2] * boxes[:, 3]).tolist(),
                strict=True,
            ),
            start=1,
        )
    ]
    return COCO({**_images_and_categories(split), "annotations": annotations}, print_function=_silent)


def _images_and_categories(split: CocoSplit) -> dict[str, list[dict[str, object]]]:
    return {
        "images": [{"id": number} for number in split.image_ranks.tolist()],
        "categories": [{"id": number} for number in range(len(split.category_ids))],
    }
