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
    try:
        results = detections(model, folder)
    except ValueError as error:
        print(f"AP is not measured: {error}", flush=True)
        return None
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
    """All detections in the format of COCO results, without those of classes that the data set lacks.

    Raises ValueError as `category_ids`.
    """
    ids = category_ids(model, folder)
    results = []
    for index, image in enumerate(folder.images):
        for (x1, y1, x2, y2), score, label in detect(model, folder.image(index), lowest_score=0.0):
            if label in ids:
                row = {"image_id": image["id"], "category_id": ids[label], "score": score}
                results.append({**row, "bbox": [x1, y1, x2 - x1, y2 - y1]})
    return results


def category_ids(model: RetinaNet, folder: CocoFolder) -> dict[int, Any]:
    """The category of the data set by label, for classes of the same name; ids may differ.

    Classes without names are matched in order. Raises ValueError where they are not as many as the categories, and
    where no class has the name of a category. Names that the data set lacks are listed on standard error.
    """
    if model.classes is None:
        slots = model.config["class_slots"]
        if slots != len(folder.classes):
            raise ValueError(
                f"the detector has {slots} classes without names, and {folder.annotations} has {len(folder.classes)}"
            )
        return {label: each["id"] for label, each in enumerate(folder.classes)}
    known = {each["name"]: each["id"] for each in folder.classes}
    names = [each["name"] for each in model.classes]
    found = {label: known[name] for label, name in enumerate(names) if name in known}
    if not found:
        raise ValueError(
            f"no class of the detector ({', '.join(names[:5])}) is a category of {folder.annotations} "
            f"({', '.join(list(known)[:5])})"
        )
    missing = [name for name in names if name not in known]
    if missing:
        print(f"not scored, since {folder.annotations} lacks them: {', '.join(missing)}", file=sys.stderr, flush=True)
    return found


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python evaluate.py DATA")
    sys.exit(0 if coco_metrics(load(Path(__file__).parent), Path(sys.argv[1])) is not None else 1)
