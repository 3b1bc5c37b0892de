"""The images and annotations of the digits data set: composed scenes as JPEGs and COCO instances."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as rle
from sklearn.datasets import load_digits

from proxy_trainer.digit_scenes import Glyphs, Scene, compose_scene
from proxy_trainer.digits_parameters import DigitsParameters

_SPLITS = ("train", "val")
_VAL_GLYPHS = 0.25
_JPEG_QUALITY = 90


def write_splits(folder: Path, parameters: DigitsParameters, progress: Callable[[int, int], None]) -> None:
    """Writes both splits' JPEGs and annotations into an empty folder, calling `progress` (done, total) per image."""
    glyphs_of = dict(zip(_SPLITS, _split_glyphs(parameters.seed), strict=True))
    (folder / "annotations").mkdir()
    total, done = parameters.train + parameters.val, 0
    for number, split in enumerate(_SPLITS):
        (folder / split).mkdir()
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for index in range(getattr(parameters, split)):
            # Seeded by place, not by turn: an image is the same whatever was made before it.
            rng = np.random.default_rng([parameters.seed, number, index])
            scene = compose_scene(rng, glyphs_of[split], parameters.image_px)
            name = f"{index + 1:06d}.jpg"
            _save_jpeg(scene, folder / split / name)
            height, width = scene.pixels.shape[:2]
            images.append({"id": index + 1, "file_name": name, "height": height, "width": width, "license": 1})
            annotations += _annotations(scene, index + 1, len(annotations) + 1, parameters.categories)
            done += 1
            progress(done, total)
        document = _document(split, images, annotations, parameters)
        (folder / "annotations" / f"instances_{split}.json").write_text(json.dumps(document))


def _split_glyphs(seed: int) -> tuple[Glyphs, Glyphs]:
    """The glyphs of the training images and those of the validation images: disjoint, drawn by seed."""
    bunch = load_digits()
    ink, digits = bunch.images / 16.0, bunch.target.astype(np.int64)
    order = np.random.default_rng([seed, len(_SPLITS)]).permutation(len(digits))
    val_count = round(_VAL_GLYPHS * len(order))
    val, train = order[:val_count], order[val_count:]
    return Glyphs.of(ink[train], digits[train]), Glyphs.of(ink[val], digits[val])


def _save_jpeg(scene: Scene, path: Path) -> None:
    with open(path, "xb") as file:
        Image.fromarray(scene.pixels).save(file, "JPEG", quality=_JPEG_QUALITY)


def _annotations(scene: Scene, image_id: int, first_id: int, categories: int) -> list[dict[str, Any]]:
    annotations = []
    for offset, (mask, digit) in enumerate(zip(scene.masks, scene.digits, strict=True)):
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        encoded = rle.encode(np.asfortranarray(mask, np.uint8))
        annotations.append(
            {
                "id": first_id + offset,
                "image_id": image_id,
                "category_id": digit + 1 if categories == 10 else 1,
                "bbox": [
                    int(columns[0]),
                    int(rows[0]),
                    int(columns[-1] - columns[0]) + 1,
                    int(rows[-1] - rows[0]) + 1,
                ],
                "area": int(mask.sum()),
                "iscrowd": 0,
                "segmentation": {"size": encoded["size"], "counts": encoded["counts"].decode("ascii")},
            }
        )
    return annotations


def _document(
    split: str, images: list[dict[str, Any]], annotations: list[dict[str, Any]], parameters: DigitsParameters
) -> dict[str, Any]:
    names = ["digit"] if parameters.categories == 1 else [str(digit) for digit in range(10)]
    return {
        "info": {
            "description": f"Handwritten digits at many scales, {split} images, seed {parameters.seed}",
            "version": str(parameters.format_version),
        },
        "licenses": [{"id": 1, "name": "CC BY 4.0", "url": "https://creativecommons.org/licenses/by/4.0/"}],
        "images": images,
        "annotations": annotations,
        "categories": [
            {"id": number, "name": name, "supercategory": "digit"} for number, name in enumerate(names, start=1)
        ],
    }
