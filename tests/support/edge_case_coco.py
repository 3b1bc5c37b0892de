"""A small generated COCO data set with the edge cases of real ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from proxy_trainer.data.coco import CocoSplit, load_split

ORIENTATION_TAG = 0x0112
SHAPES = {3: "square", 17: "disc", 90: "bar"}

# File name, (width, height), colour mode, boxes as (category id, x, y, width, height, is a crowd).
EDGE_CASE_IMAGES: list[tuple[str, tuple[int, int], str, list[tuple[int, float, float, float, float, int]]]] = [
    ("wide.jpg", (200, 133), "RGB", [(3, 20, 30, 50, 50, 0), (17, 110, 40, 60, 60, 0)]),
    ("tall.jpg", (61, 240), "RGB", [(17, 5, 20, 40, 40, 0), (90, 10, 120, 40, 12, 0)]),
    ("grey.jpg", (150, 100), "L", [(3, 40.5, 20.25, 60.5, 60.75, 0)]),
    ("cmyk.jpg", (120, 90), "CMYK", [(90, 10, 30, 90, 20, 0), (3, 70, 55, 25, 25, 0)]),
    ("palette.png", (96, 96), "P", [(17, 20, 20, 50, 50, 0)]),
    ("deep.png", (80, 64), "I;16", [(3, 10, 10, 40, 40, 0)]),
    ("alpha.png", (64, 80), "RGBA", [(17, 8, 8, 30, 30, 0)]),
    ("turned.jpg", (140, 70), "RGB", [(90, 15, 20, 70, 18, 0)]),
    ("folder/crowd.jpg", (128, 128), "RGB", [(3, 10, 10, 30, 30, 0), (17, 0, 64, 128, 64, 1)]),
    ("empty.jpg", (100, 100), "RGB", []),
    (
        "edge.jpg",
        (128, 96),
        "RGB",
        [(3, -15, 30, 40, 40, 0), (17, 200, 50, 20, 20, 0), (90, 40, 60, 0, 10, 0)],
    ),
    ("plain.jpg", (128, 112), "RGB", [(17, 30, 30, 64, 64, 0), (3, 100, 4, 20, 20, 0)]),
]


def _drawn(size: tuple[int, int], boxes: list[tuple[int, float, float, float, float, int]], seed: int) -> Image.Image:
    noise = np.random.default_rng(seed).integers(90, 140, (size[1], size[0], 3), np.uint8)
    image = Image.fromarray(noise)
    pen = ImageDraw.Draw(image)
    for category, x, y, width, height, crowd in boxes:
        corners = (x, y, x + width - 1, y + height - 1)
        if crowd or width < 1:
            continue
        if SHAPES[category] == "disc":
            pen.ellipse(corners, fill=(230, 60, 40))
        else:
            pen.rectangle(corners, fill=(30, 200, 90) if category == 3 else (20, 30, 220))
    return image


def _save(image: Image.Image, mode: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if mode == "I;16":
        Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257).save(path)
    elif path.name == "turned.jpg":
        exif = Image.Exif()
        exif[ORIENTATION_TAG] = 6
        image.save(path, quality=92, exif=exif)
    elif path.suffix == ".jpg":
        image.convert(mode).save(path, quality=92)
    else:
        image.convert(mode).save(path)


def edge_case_annotations() -> dict[str, Any]:
    """The annotations: image ids with gaps, category ids 3, 17 and 90, unsorted."""
    images, annotations = [], []
    for index, (name, (width, height), _, boxes) in enumerate(EDGE_CASE_IMAGES):
        image_id = 7 + 1000 * (len(EDGE_CASE_IMAGES) - index)
        images.append({"id": image_id, "file_name": name, "width": width, "height": height})
        for category, x, y, box_width, box_height, crowd in boxes:
            annotations.append(
                {
                    "id": 500 + len(annotations),
                    "image_id": image_id,
                    "category_id": category,
                    "bbox": [x, y, box_width, box_height],
                    "area": box_width * box_height * 0.8,
                    "iscrowd": crowd,
                    "segmentation": [[x, y, x + box_width, y, x, y + box_height]],
                }
            )
    categories = [{"id": number, "name": name} for number, name in sorted(SHAPES.items(), reverse=True)]
    return {"info": {}, "images": images, "annotations": annotations[::-1], "categories": categories}


def make_edge_case_coco(directory: Path) -> Path:
    """Writes DIR/annotations.json and DIR/images: unusual sizes and modes, a crowd, an empty image, boxes outside."""
    for seed, (name, size, mode, boxes) in enumerate(EDGE_CASE_IMAGES):
        _save(_drawn(size, boxes, seed), mode, directory / "images" / name)
    (directory / "annotations.json").write_text(json.dumps(edge_case_annotations()))
    return directory


def changed_annotation(index: int, **fields: Any) -> dict[str, Any]:
    """The annotations with other fields of an annotation."""
    document = edge_case_annotations()
    document["annotations"][index].update(fields)
    return document


def load_annotations(directory: Path, document: dict[str, Any]) -> CocoSplit:
    """The split of a data set whose annotation file is replaced by `document`."""
    (directory / "annotations.json").write_text(json.dumps(document))
    return load_split(directory / "images", directory / "annotations.json")


def finding_counts(split: CocoSplit) -> dict[str, int]:
    """How often each kind of finding occurs in the split."""
    return {finding.kind: finding.count for finding in split.findings}
