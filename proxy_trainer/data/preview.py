"""Contact sheets of a data set: its images and boxes as the trainer sees them (`effspine data preview`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from proxy_trainer.data.box_drawing import png
from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.data.coco_directory import find_splits, load_dataset
from proxy_trainer.data.contact_sheet import Tile, sheet, stacked
from proxy_trainer.data.decoded_images import padded_boxes
from proxy_trainer.data.images import read_image, resize_and_pad, resized_size
from proxy_trainer.data.views import draw_views, is_visible, sampled_view, view_boxes
from proxy_trainer.errors import DataError, EmptySplitError
from search_space.atomic_file import write_atomically
from search_space.proxy_task import ProxyTask

SHEET_IMAGES = 16
_REGISTERED_IMAGES = {"train": 8, "val": 4}
_TILES_PER_ROW = 4
"""A training image has two, before and after augmentation."""


def write_previews(directory: Path, out: Path, task: ProxyTask, seed: int) -> list[Path]:
    """Writes OUT/train.png and OUT/reserved.png for a campaign with this task and seed; returns their paths.

    Of a data set of which no images can be reserved, all are on train.png and there is no reserved.png. Raises
    DataError where the data set or one of the drawn images cannot be read, or a sheet cannot be written.
    """
    splits: dict[str, CocoSplit]
    try:
        train, reserved = load_dataset(
            directory, reserved_images=task.reserved_images, reserve_from=task.reserve_from, seed=seed
        )
        splits = {"train": train, "reserved": reserved}
    except EmptySplitError:
        splits = {"train": find_splits(directory)[0].load()}
    paths = []
    for name, split in splits.items():
        drawn = _split_sheet(split, name, task, seed, SHEET_IMAGES)
        paths.append(out / f"{name}.png")
        try:
            write_atomically(paths[-1], png(drawn))
        except OSError as error:
            raise DataError(f"cannot write {paths[-1]}: {error.strerror or error}") from error
    return paths


def registration_preview(splits: Mapping[str, CocoSplit], task: ProxyTask) -> bytes:
    """The PNG that a data set's page shows: training images, augmented too, and validation images."""
    return png(
        stacked([_split_sheet(split, name, task, 0, _REGISTERED_IMAGES[name]) for name, split in splits.items()])
    )


def _split_sheet(split: CocoSplit, name: str, task: ProxyTask, seed: int, count: int) -> Image.Image:
    images = drawn_images(split, count)
    augment = name == "train"
    pixels = np.stack([resize_and_pad(read_image(split, int(index)), task.image_px)[0] for index in images])
    scale = task.image_px / split.sizes.max(axis=1)
    all_boxes, all_classes = padded_boxes(split, scale)
    boxes, classes = all_boxes[images], all_classes[images]
    plain = [
        Tile(pixels[row], boxes[row], classes[row], split.file_names[index])
        for row, index in enumerate(images.tolist())
    ]
    tiles = [[tile] for tile in plain]
    if augment:
        sides = split.sizes[images].tolist()
        sizes = np.array([resized_size(height, width, task.image_px) for height, width in sides], np.int32)
        views = draw_views(task, sizes, np.random.default_rng([seed, len(images)]))
        seen = view_boxes(boxes, views, task.image_px)
        visible = np.where(is_visible(seen), classes, -1)
        for row, pair in enumerate(tiles):
            augmented = sampled_view(pixels[row], views, row)
            flip = ", mirrored" if views.flipped[row] else ""
            pair.append(Tile(augmented, seen[row], visible[row], f"augmented: scale {views.scale[row]:.2f}{flip}"))
    in_order = [tile for pair in tiles for tile in pair]
    rows = [in_order[start : start + _TILES_PER_ROW] for start in range(0, len(in_order), _TILES_PER_ROW)]
    seen_as = f"at {task.image_px} px" + (", beside each its view after augmentation" if augment else "")
    title = f"{name}: {len(images)} of {len(split)} images {seen_as} (profile {task.profile})"
    return sheet(title, rows, split.category_names)


def drawn_images(split: CocoSplit, count: int) -> NDArray[np.int64]:
    """Ascending indices of at most `count` images, evenly spread over those with boxes, then over the others."""
    with_boxes = np.bincount(split.training_boxes.images, minlength=len(split)) > 0
    chosen = _spread(np.flatnonzero(with_boxes), count)
    others = _spread(np.flatnonzero(~with_boxes), count - len(chosen))
    return np.sort(np.concatenate([chosen, others]))


def _spread(indices: NDArray[np.intp], count: int) -> NDArray[np.int64]:
    places = np.linspace(0, len(indices) - 1, min(count, len(indices))).round().astype(np.int64)
    return indices[places].astype(np.int64)
