"""Writes the images and COCO annotations of the digits data set."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as rle
from sklearn.datasets import load_digits

from proxy_trainer.data.digit_scenes import Glyphs, Scene, compose_scene
from proxy_trainer.data.digits_parameters import DigitsParameters
from proxy_trainer.threads import thread_count

SPLITS = ("train", "val")
_VAL_GLYPHS = 0.25
_JPEG_QUALITY = 90
_CHUNK_IMAGES = 16
_IMAGES_PER_PROCESS = 200
"""Starting a process takes as long as making this many images."""

Section = list[dict[str, Any]]


def write_splits(directory: Path, parameters: DigitsParameters, progress: Callable[[int, int], None]) -> None:
    """Writes the JPEGs and annotations of both splits into an empty directory.

    Calls `progress` with (images done, images in total) after each image.
    """
    glyphs_of = dict(zip(SPLITS, split_glyphs(parameters.seed), strict=True))
    (directory / "annotations").mkdir()
    total, done = parameters.train + parameters.val, 0
    with _process_map(total) as process_map:
        for split in SPLITS:
            (directory / split).mkdir()
            images: Section = []
            annotations: Section = []
            write = partial(_write_image, directory / split, parameters, split, glyphs_of[split])
            for image, found in process_map(write, range(getattr(parameters, split))):
                images.append(image)
                for annotation in found:
                    annotations.append({"id": len(annotations) + 1, **annotation})
                done += 1
                progress(done, total)
            document = _document(split, images, annotations, parameters)
            (directory / "annotations" / f"instances_{split}.json").write_text(json.dumps(document))


@contextmanager
def _process_map(images: int) -> Iterator[Callable[..., Iterator[Any]]]:
    """An ordered `map` over as many processes as pay off for this many images."""
    processes = min(thread_count(), images // _IMAGES_PER_PROCESS)
    if processes < 2:
        yield map
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield partial(pool.map, chunksize=_CHUNK_IMAGES)


def _write_image(
    split_dir: Path, parameters: DigitsParameters, split: str, glyphs: Glyphs, index: int
) -> tuple[dict[str, Any], Section]:
    """Writes one JPEG; returns its entry in `images` and its annotations without ids."""
    # Seeded by index, so that an image does not depend on the order or the process in which it is made.
    rng = np.random.default_rng([parameters.seed, SPLITS.index(split), index])
    scene = compose_scene(rng, glyphs, parameters.image_px, parameters.object_px)
    name = f"{index + 1:06d}.jpg"
    save_jpeg(scene, split_dir / name)
    height, width = scene.pixels.shape[:2]
    image = {"id": index + 1, "file_name": name, "height": height, "width": width, "license": 1}
    return image, _annotations(scene, index + 1, parameters.categories)


def split_glyphs(seed: int) -> tuple[Glyphs, Glyphs]:
    """Disjoint glyphs for the training and for the validation images, drawn by seed."""
    bunch = load_digits()
    ink, digits = bunch.images / 16.0, bunch.target.astype(np.int64)
    order = np.random.default_rng([seed, len(SPLITS)]).permutation(len(digits))
    val_count = round(_VAL_GLYPHS * len(order))
    val, train = order[:val_count], order[val_count:]
    return Glyphs.of(ink[train], digits[train]), Glyphs.of(ink[val], digits[val])


def save_jpeg(scene: Scene, path: Path) -> None:
    """Writes the pixels of a scene to a new file."""
    with open(path, "xb") as file:
        Image.fromarray(scene.pixels).save(file, "JPEG", quality=_JPEG_QUALITY)


def _annotations(scene: Scene, image_id: int, categories: int) -> Section:
    annotations = []
    for mask, digit in zip(scene.masks, scene.digits, strict=True):
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        encoded = rle.encode(np.asfortranarray(mask, np.uint8))
        annotations.append(
            {
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
    names = category_names(parameters.categories)
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


def category_names(categories: int) -> list[str]:
    """The names of 1 or 10 categories."""
    return ["digit"] if categories == 1 else [str(digit) for digit in range(10)]
