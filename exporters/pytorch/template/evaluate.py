"""COCO metrics of a detector on the validation images of a COCO folder; needs pycocotools.

python evaluate.py DATA
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

from coco_folder import CocoFolder
from predict import detect
from retinanet import RetinaNet, load

METRICS = (
    "ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large",
    "ar1", "ar10", "ar100", "ar_small", "ar_medium", "ar_large",
)  # fmt: skip


def coco_metrics(model: RetinaNet, data: Path) -> dict[str, float | None] | None:
    """The twelve metrics, 0 to 1, None for one without boxes; prints them, or why they cannot be measured."""
    if not list(data.glob("annotations/instances_val*.json")):
        print(f"AP is not measured: {data} has no annotations/instances_val*.json", flush=True)
        return None
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError:
        print("AP is not measured: pycocotools is not installed (pip install pycocotools)", flush=True)
        return None
    folder = CocoFolder(data, "val")
    results = detections(model, folder)
    if not results:
        print("AP is 0: nothing was detected", flush=True)
        return dict.fromkeys(METRICS, 0.0)
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(folder.annotations))
        evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    figures = {name: None if v < 0 else float(v) for name, v in zip(METRICS, evaluation.stats, strict=True)}
    print(json.dumps(figures), flush=True)
    return figures


def detections(model: RetinaNet, folder: CocoFolder) -> list[dict[str, Any]]:
    """All detections in the format of COCO results."""
    ids = [each["id"] for each in model.classes or folder.classes]
    results = []
    for index, image in enumerate(folder.images):
        for (x1, y1, x2, y2), score, label in detect(model, folder.image(index), lowest_score=0.0):
            row = {"image_id": image["id"], "category_id": ids[label], "score": score}
            results.append({**row, "bbox": [x1, y1, x2 - x1, y2 - y1]})
    return results


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python evaluate.py DATA")
    sys.exit(0 if coco_metrics(load(Path(__file__).parent), Path(sys.argv[1])) is not None else 1)
