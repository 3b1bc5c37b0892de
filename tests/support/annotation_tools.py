"""Small COCO folders as annotation tools and people leave them: two images of 40 x 30 pixels with a box each."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ORIENTATION = 0x0112


def document() -> dict[str, Any]:
    """Annotations with nothing odd in them."""
    return {
        "images": [
            {"id": 1, "file_name": "a.jpg", "width": 40, "height": 30},
            {"id": 2, "file_name": "b.jpg", "width": 40, "height": 30},
        ],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 10, 12], "area": 120, "iscrowd": 0},
            {"id": 2, "image_id": 2, "category_id": 1, "bbox": [5, 5, 10, 10], "area": 100, "iscrowd": 0},
        ],
        "categories": [{"id": 1, "name": "x", "supercategory": "none"}],
    }


def with_fields(*changes: tuple[str, int, dict[str, Any]]) -> dict[str, Any]:
    """The document with the fields of some entries replaced; the value `...` removes a field."""
    changed = document()
    for section, index, fields in changes:
        entry = changed[section][index]
        entry.update(fields)
        for name, value in fields.items():
            if value is ...:
                del entry[name]
    return changed


def save_image(path: Path, size: tuple[int, int] = (40, 30), *, orientation: int | None = None) -> None:
    """Random pixels; `size` is (width, height), as stored."""
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if orientation is not None:
        exif[ORIENTATION] = orientation
    pixels = np.random.default_rng(len(path.name)).integers(0, 255, (size[1], size[0], 3), np.uint8)
    Image.fromarray(pixels).save(path, exif=exif)


def save_folder(folder: Path, annotations: dict[str, Any], *, names: tuple[str, ...] = ("a.jpg", "b.jpg")) -> None:
    """FOLDER/images and FOLDER/annotations.json."""
    for name in names:
        save_image(folder / "images" / name)
    (folder / "annotations.json").write_text(json.dumps(annotations))


def save_splits(folder: Path, splits: dict[str, dict[str, Any]]) -> None:
    """FOLDER/annotations/instances_NAME.json and FOLDER/NAME of each split."""
    (folder / "annotations").mkdir(parents=True)
    for split, content in splits.items():
        for name in ("a.jpg", "b.jpg"):
            save_image(folder / split / name)
        (folder / "annotations" / f"instances_{split}.json").write_text(json.dumps(content))


def _changed(*changes: tuple[str, int, dict[str, Any]], names: tuple[str, ...] = ("a.jpg", "b.jpg")) -> Maker:
    return lambda folder: save_folder(folder, with_fields(*changes), names=names)


def _with(**sections: list[Any]) -> Maker:
    return lambda folder: save_folder(folder, {**document(), **sections})


def _apple_double(folder: Path) -> None:
    save_folder(folder, document())
    (folder / "._annotations.json").write_bytes(b"\x00\x05\x16\x07" + b"\x00" * 60)


def _cp1252(folder: Path) -> None:
    save_folder(folder, document())
    text = json.dumps({**document(), "categories": [{"id": 1, "name": "caf\xe9"}]}, ensure_ascii=False)
    (folder / "annotations.json").write_bytes(text.encode("cp1252"))


def _fiftyone(folder: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        save_image(folder / "data" / name)
    (folder / "labels.json").write_text(json.dumps(document()))
    (folder / "README.txt").write_text("exported")


def _no_image(folder: Path) -> None:
    save_folder(folder, document(), names=())
    (folder / "images").mkdir()


def _sixteen_bits(folder: Path) -> None:
    save_folder(folder, with_fields(("images", 0, {"file_name": "a.png"})), names=("b.jpg",))
    values = np.random.default_rng(0).integers(0, 4096, (30, 40)).astype(np.uint16)
    Image.fromarray(values).save(folder / "images" / "a.png")


def _turned(folder: Path, stated: dict[str, int], orientation: int) -> None:
    save_folder(folder, with_fields(("images", 0, stated)), names=("b.jpg",))
    save_image(folder / "images" / "a.jpg", orientation=orientation)


def _text_ids(folder: Path) -> None:
    changed = document()
    for image, annotation in zip(changed["images"], changed["annotations"], strict=True):
        image["id"] = annotation["image_id"] = f"img-{image['id']}"
    save_folder(folder, changed)


def _large_ids(folder: Path) -> None:
    changed = document()
    for index, (image, annotation) in enumerate(zip(changed["images"], changed["annotations"], strict=True)):
        image["id"] = annotation["image_id"] = 2**53 + index
    save_folder(folder, changed)


Maker = Callable[[Path], None]

_POLYGON = [[1, 2, 11, 2, 11, 14, 1, 14]]

CASES: dict[str, Maker] = {
    "annotation-id-is-text": _changed(("annotations", 0, {"id": "c33c3539-8bd1"})),
    "annotation-without-image": _changed(("annotations", 1, {"image_id": 99})),
    "annotations-are-numbers": _with(annotations=[5, 6]),
    "apple-double": _apple_double,
    "area-negative": _changed(("annotations", 0, {"area": -120}), ("annotations", 1, {"area": -100})),
    "area-null": _changed(("annotations", 0, {"area": None})),
    "box-empty": _changed(("annotations", 0, {"bbox": []})),
    "box-from-polygon": _changed(("annotations", 0, {"bbox": ..., "segmentation": _POLYGON})),
    "boxes-as-corners": _changed(
        ("annotations", 0, {"bbox": [20, 15, 39, 29]}), ("annotations", 1, {"bbox": [10, 8, 38, 28]})
    ),
    "boxes-as-fractions": _changed(
        ("annotations", 0, {"bbox": [0.1, 0.1, 0.2, 0.2]}), ("annotations", 1, {"bbox": [0.2, 0.3, 0.4, 0.4]})
    ),
    "category-twice": _with(categories=[{"id": 1, "name": "x"}, {"id": 2, "name": "x"}]),
    "category-with-escape": _with(categories=[{"id": 1, "name": "\x1b[31mred"}]),
    "crowd-null": _changed(("annotations", 0, {"iscrowd": None})),
    "encoding-cp1252": _cp1252,
    "fiftyone-layout": _fiftyone,
    "image-ids-above-two-to-53": _large_ids,
    "image-ids-are-text": _text_ids,
    "names-in-another-case": _changed(("images", 0, {"file_name": "a.JPG"})),
    "names-out-of-the-folder": _changed(("images", 0, {"file_name": "..\\..\\upload\\4\\a.jpg"})),
    "names-quoted": _changed(("images", 0, {"file_name": "a%20b.jpg"}), names=("a b.jpg", "b.jpg")),
    "names-with-backslashes": _changed(
        ("images", 0, {"file_name": "images\\a.jpg"}), ("images", 1, {"file_name": "images\\b.jpg"})
    ),
    "names-with-the-folder": _changed(
        ("images", 0, {"file_name": "images/a.jpg"}), ("images", 1, {"file_name": "images/b.jpg"})
    ),
    "no-image-there": _no_image,
    "one-file-twice": _changed(("images", 1, {"file_name": "a.jpg"})),
    "png-of-16-bits": _sixteen_bits,
    "root-category": _with(
        categories=[
            {"id": 0, "name": "things", "supercategory": "none"},
            {"id": 1, "name": "x", "supercategory": "things"},
        ]
    ),
    "sizes-missing": _changed(("images", 0, {"width": ..., "height": ...}), ("images", 1, {"width": -1, "height": -1})),
    "splits-with-capitals": lambda folder: save_splits(folder, {"Train": document(), "Validation": document()}),
    "splits-with-other-category-ids": lambda folder: save_splits(
        folder,
        {
            "train": {**document(), "categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]},
            "val": {**document(), "categories": [{"id": 1, "name": "b"}, {"id": 2, "name": "a"}]},
        },
    ),
    "turned-with-upright-sizes": lambda folder: _turned(folder, {"width": 30, "height": 40}, 6),
    "upside-down": lambda folder: _turned(folder, {}, 3),
    "val-is-train": lambda folder: save_splits(folder, {"train": document(), "val": document()}),
}
