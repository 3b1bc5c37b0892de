"""COCO metrics of masks by faster-coco-eval, and masks of detections in pixels of the original pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from faster_coco_eval import COCO, COCOeval_faster
from pycocotools import mask as rle

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.data.instance_masks import Encoded, InstanceMasks
from proxy_trainer.errors import NoMetricError
from proxy_trainer.training.evaluation import Scores, category_aps
from search_space.coco_metrics import METRICS

_THRESHOLD = 0.5


@dataclass(frozen=True, eq=False)
class MaskDetections:
    """Detected masks: indices of `images` and `categories` in the split [d], `scores` [d], and run-length encodings."""

    images: npt.NDArray[np.integer]
    categories: npt.NDArray[np.integer]
    scores: npt.NDArray[np.floating]
    encoded: tuple[Encoded, ...]


def pasted(probabilities: npt.NDArray[np.floating], box: npt.NDArray[np.floating], size: tuple[int, int]) -> Encoded:
    """The run-length encoded mask of a picture of `size` (height, width): probabilities [side, side] fill a box.

    The box is (x, y, width, height) in pixels. A pixel belongs to the mask where the probability at its centre,
    interpolated bilinearly, is at least 0.5.
    """
    x, y, width, height = (float(value) for value in box)
    whole = np.zeros(size, np.uint8, order="F")
    top, left = max(0, int(np.floor(y))), max(0, int(np.floor(x)))
    bottom, right = min(size[0], int(np.ceil(y + height))), min(size[1], int(np.ceil(x + width)))
    if bottom > top and right > left and width > 0 and height > 0:
        side = len(probabilities)
        rows = ((np.arange(top, bottom) + 0.5) - y) / height * side - 0.5
        columns = ((np.arange(left, right) + 0.5) - x) / width * side - 0.5
        inside = _sampled(np.asarray(probabilities, np.float64), rows, columns) >= _THRESHOLD
        whole[top:bottom, left:right] = inside
    encoded: Encoded = rle.encode(whole)
    return encoded


def _sampled(
    values: npt.NDArray[np.float64], rows: npt.NDArray[np.floating], columns: npt.NDArray[np.floating]
) -> npt.NDArray[np.float64]:
    """Bilinear samples of [side, side] at the given positions along both axes, clipped to the edge."""
    weights = [
        np.maximum(1.0 - np.abs(np.clip(at, 0, len(values) - 1)[:, None] - np.arange(len(values))), 0.0)
        for at in (rows, columns)
    ]
    sampled: npt.NDArray[np.float64] = weights[0] @ values @ weights[1].T
    return sampled


class MaskEvaluator:
    """Scores masks on one split."""

    def __init__(self, split: CocoSplit, truth: InstanceMasks) -> None:
        self._split = split
        annotations = [
            {
                "id": number + 1,
                "image_id": int(split.image_ranks[truth.images[number]]),
                "category_id": int(truth.categories[number]),
                "segmentation": encoded,
                "bbox": [float(value) for value in rle.toBbox(encoded)],
                "area": float(truth.areas[number]),
                "iscrowd": int(truth.crowd[number]),
            }
            for number, encoded in enumerate(truth.encoded)
        ]
        self._truth = COCO(self._document(annotations), print_function=_silent)

    def metrics(self, found: MaskDetections) -> dict[str, float | None]:
        """The metrics of `scores`. Raises as it does."""
        return self.scores(found).metrics

    def scores(self, found: MaskDetections) -> Scores:
        """The twelve COCO mask metrics, named `mask_ap` and so on, 0 to 1, and the mask AP of each category.

        None for an area range or a category without masks. Raises NoMetricError where there is no mask to score
        against.
        """
        annotations = [
            {
                "id": number + 1,
                "image_id": int(self._split.image_ranks[image]),
                "category_id": int(category),
                "segmentation": encoded,
                "score": float(score),
                "area": float(rle.area(encoded)),
                "bbox": [float(value) for value in rle.toBbox(encoded)],
            }
            for number, (image, category, score, encoded) in enumerate(
                zip(found.images, found.categories, found.scores, found.encoded, strict=True)
            )
        ]
        results = COCO(self._document(annotations), print_function=_silent)
        evaluation = COCOeval_faster(self._truth, results, iouType="segm", print_function=_silent)
        evaluation.run()
        if not 0 <= evaluation.stats[0] <= 1:
            raise NoMetricError(f"no mask AP could be measured on {self._split.annotations_file}")
        pairs = zip(METRICS, evaluation.stats, strict=False)
        metrics = {f"mask_{name}": None if value < 0 else float(value) for name, value in pairs}
        return Scores(metrics, category_aps(evaluation))

    def _document(self, annotations: list[dict[str, Any]]) -> dict[str, Any]:
        images = [
            {"id": int(rank), "height": int(height), "width": int(width)}
            for rank, (height, width) in zip(self._split.image_ranks, self._split.sizes, strict=True)
        ]
        categories = [{"id": number} for number in range(len(self._split.category_ids))]
        return {"images": images, "categories": categories, "annotations": annotations}


def mask_probabilities(logits: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """The logistic function, without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * np.asarray(logits, np.float64)))


def _silent(*_: object) -> None:
    """Discards what the evaluator prints, because standard output belongs to the command."""
