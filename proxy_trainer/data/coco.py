"""Reads COCO detection annotations into arrays, without a Python object per box.

Boxes refer to the stored pixels of the image file: an EXIF orientation is not applied, here or in
`proxy_trainer.data.images`, because the COCO tools ignore it too.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proxy_trainer.data.coco_annotations import BoxColumns, annotation_fault, brief
from proxy_trainer.errors import DataError, EmptySplitError

_SECTIONS = ("images", "annotations", "categories")


@dataclass(frozen=True, eq=False)
class CocoSplit:
    """The images of one annotation file and their boxes, as arrays.

    Images [n]: `image_ids` int64, `file_names` in `images_dir`, `sizes` int32 [n, 2] (height, width in pixels).

    Boxes [b], sorted by image, then in the order of the file: `box_images` int32 (index of the image), `boxes`
    float64 [b, 4] (x, y, width, height in pixels, unchanged from the file), `categories` int32 (0 to c - 1, in the
    order of the category ids), `areas` float64 (square pixels), `crowd` bool (ignored in scoring, never a positive).

    Categories [c]: `category_ids` int64, the ids of the file, which may have gaps, and `category_names`.
    """

    images_dir: Path
    annotations_file: Path
    annotations_sha256: str
    image_ids: NDArray[np.int64]
    file_names: tuple[str, ...]
    sizes: NDArray[np.int32]
    box_images: NDArray[np.int32]
    boxes: NDArray[np.float64]
    categories: NDArray[np.int32]
    areas: NDArray[np.float64]
    crowd: NDArray[np.bool_]
    category_ids: NDArray[np.int64]
    category_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.image_ids)

    def path(self, index: int) -> Path:
        """The file of the image with this index."""
        return self.images_dir / self.file_names[index]

    @cached_property
    def training_boxes(self) -> TrainingBoxes:
        """The boxes that can be positives in training; computed once."""
        return _training_boxes(self)


@dataclass(frozen=True, eq=False)
class TrainingBoxes:
    """Boxes clipped to their image, without crowds and without boxes that have no area inside it.

    `images` int32 [p], `corners` float32 [p, 4] (x1, y1, x2, y2 in pixels), `categories` int32 [p].
    `clipped` counts boxes that were cut at a border of the image, `dropped` those without area inside it.
    """

    images: NDArray[np.int32]
    corners: NDArray[np.float32]
    categories: NDArray[np.int32]
    clipped: int
    dropped: int


def _training_boxes(split: CocoSplit) -> TrainingBoxes:
    positive = ~split.crowd
    images, categories = split.box_images[positive], split.categories[positive]
    corners = split.boxes[positive].copy()
    corners[:, 2:] += corners[:, :2]
    limits = split.sizes[images][:, ::-1].astype(np.float64)
    inside = np.clip(corners, 0, np.concatenate([limits, limits], axis=1))
    has_area = np.all(inside[:, 2:] > inside[:, :2], axis=1)
    clipped = has_area & np.any(inside != corners, axis=1)
    return TrainingBoxes(
        images[has_area],
        inside[has_area].astype(np.float32),
        categories[has_area],
        int(clipped.sum()),
        int((~has_area).sum()),
    )


def load_split(images: Path, annotations: Path) -> CocoSplit:
    """Reads the annotation file `annotations` of the images in the directory `images`; opens no image.

    Raises DataError (one line: the file, the field, the expected value), and EmptySplitError where it lists no image.
    """
    if not images.is_dir():
        raise DataError(f"there is no images directory {images}")
    content = _read(annotations)
    columns = BoxColumns()
    document = _parse(annotations, content, columns)
    sha256 = hashlib.sha256(content).hexdigest()
    del content
    _check_sections(annotations, document)
    category_ids, category_names = _categories(annotations, document["categories"])
    image_ids, file_names, sizes = _images(annotations, document["images"], images)
    rows = _rows(annotations, document["annotations"])
    del document
    found = columns.arrays(rows)
    _check_boxes(annotations, found)
    image_of = _indices(annotations, found, "image_id", image_ids, "images")
    category_of = _indices(annotations, found, "category_id", category_ids, "categories")
    order = np.argsort(image_of, kind="stable")
    return CocoSplit(
        images_dir=images,
        annotations_file=annotations,
        annotations_sha256=sha256,
        image_ids=image_ids,
        file_names=file_names,
        sizes=sizes,
        box_images=image_of[order],
        boxes=found["bbox"][order],
        categories=category_of[order],
        areas=found["area"][order],
        crowd=found["iscrowd"][order] == 1,
        category_ids=category_ids,
        category_names=category_names,
    )


def _read(annotations: Path) -> bytes:
    try:
        return annotations.read_bytes()
    except FileNotFoundError:
        raise DataError(f"there is no annotation file {annotations}") from None
    except OSError as error:
        raise DataError(f"cannot read the annotation file {annotations}: {error.strerror}") from None


def _parse(annotations: Path, content: bytes, columns: BoxColumns) -> Any:
    try:
        return json.loads(content, object_hook=columns)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{annotations} is not a JSON file: {error}") from None


def _check_sections(annotations: Path, document: Any) -> None:
    wanted = "COCO detection annotations are one JSON object with the lists images, annotations and categories"
    if not isinstance(document, dict):
        kind = "a list" if isinstance(document, list) else "a single value"
        raise DataError(f"{annotations} holds {kind} at its top level; {wanted}")
    for section in _SECTIONS:
        if section not in document:
            raise DataError(f"{annotations} has no '{section}'; {wanted}")
        if not isinstance(document[section], list):
            raise DataError(f"{annotations}: '{section}' is not a list; {wanted}")
    if not document["images"]:
        raise EmptySplitError(f"{annotations}: 'images' is empty")
    if not document["categories"]:
        raise DataError(f"{annotations}: 'categories' is empty; each object class needs an id and a name there")


def _field(annotations: Path, where: str, found: Any, name: str, kind: type[int] | type[str]) -> Any:
    if not isinstance(found, dict):
        raise DataError(f"{annotations}: {where} is not an object")
    if name not in found:
        raise DataError(f"{annotations}: {where} has no '{name}'")
    value = found[name]
    if type(value) is float and kind is int and value.is_integer():
        return int(value)
    if type(value) is not kind:
        wanted = "an integer" if kind is int else "a string"
        raise DataError(f"{annotations}: {where}.{name} is {brief(value)}, which must be {wanted}")
    return value


def _categories(annotations: Path, found: list[Any]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    named: dict[int, str] = {}
    for index, category in enumerate(found):
        where = f"categories[{index}]"
        number = _field(annotations, where, category, "id", int)
        if number in named:
            raise DataError(f"{annotations}: {where}.id {number} is a duplicate; category ids must be unique")
        named[number] = _field(annotations, where, category, "name", str)
    ids = sorted(named)
    return _int64(annotations, "categories", ids), tuple(named[number] for number in ids)


def _images(
    annotations: Path, found: list[Any], images_dir: Path
) -> tuple[NDArray[np.int64], tuple[str, ...], NDArray[np.int32]]:
    ids, names, sizes, seen = [], [], [], set()
    for index, image in enumerate(found):
        where = f"images[{index}]"
        number = _field(annotations, where, image, "id", int)
        if number in seen:
            raise DataError(f"{annotations}: {where}.id {number} is a duplicate; image ids must be unique")
        seen.add(number)
        name = _field(annotations, where, image, "file_name", str)
        if not _stays_inside(name):
            raise DataError(f"{annotations}: {where}.file_name {name!r} leaves the images directory {images_dir}")
        size = [_field(annotations, where, image, side, int) for side in ("height", "width")]
        if not all(0 < side < 2**31 for side in size):
            raise DataError(f"{annotations}: {where} is {size[1]}x{size[0]} pixels; both must be positive")
        ids.append(number)
        names.append(name)
        sizes.append(size)
    return _int64(annotations, "images", ids), tuple(names), np.array(sizes, np.int32)


def _stays_inside(name: str) -> bool:
    normal = os.path.normpath(name.replace("\\", "/"))
    leaves = os.path.isabs(normal) or normal.split("/")[0] in (".", "..")
    return not leaves and "\0" not in name


def _int64(annotations: Path, section: str, ids: list[int]) -> NDArray[np.int64]:
    try:
        return np.array(ids, np.int64)
    except OverflowError:
        raise DataError(f"{annotations}: '{section}' has an id beyond 64 bits") from None


def _rows(annotations: Path, found: list[Any]) -> NDArray[np.int64]:
    """The column row of each annotation, in the order of the file. Raises DataError for an invalid annotation."""
    for index, row in enumerate(found):
        if type(row) is not int:
            named = f" (id {row['id']})" if isinstance(row, dict) and "id" in row else ""
            fault = annotation_fault(row) if isinstance(row, dict) else "is not an object"
            raise DataError(f"{annotations}: annotations[{index}]{named} {fault or 'has a number beyond 64 bits'}")
    return np.array(found, np.int64)


def _check_boxes(annotations: Path, found: dict[str, NDArray[Any]]) -> None:
    bad = np.flatnonzero(~np.isfinite(found["bbox"]).all(axis=1) | ~np.isfinite(found["area"]))
    if len(bad):
        where = _name(found, int(bad[0]))
        raise DataError(f"{annotations}: {where} has a bbox or an area that is not a finite number")


def _indices(
    annotations: Path, found: dict[str, NDArray[Any]], field: str, ids: NDArray[np.int64], section: str
) -> NDArray[np.int32]:
    """The index among `ids` of the image or category of each annotation. Raises DataError for an unknown id."""
    order = np.argsort(ids, kind="stable")
    positions = np.minimum(np.searchsorted(ids[order], found[field]), len(ids) - 1)
    indices = order[positions]
    unknown = np.flatnonzero(ids[indices] != found[field])
    if len(unknown):
        first = int(unknown[0])
        raise DataError(
            f"{annotations}: {_name(found, first)} has {field} {found[field][first]}, which is not in "
            f"'{section}' ({len(unknown)} such annotations)"
        )
    return indices.astype(np.int32)


def _name(found: dict[str, NDArray[Any]], index: int) -> str:
    return f"annotations[{index}] (id {found['id'][index]})"
