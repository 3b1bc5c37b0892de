"""Reads COCO detection annotations into arrays, without a Python object per box.

Boxes refer to the stored pixels of the image file, as in the COCO tools, unless only the picture turned by its EXIF
orientation has the stated size (`proxy_trainer.data.images`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proxy_trainer.data.coco_annotations import BoxColumns
from proxy_trainer.data.coco_boxes import read_boxes
from proxy_trainer.data.coco_categories import read_categories
from proxy_trainer.data.coco_document import parse_document, read_annotation_file
from proxy_trainer.data.coco_images import read_images
from proxy_trainer.data.findings import Finding
from proxy_trainer.data.identifiers import id_ranks
from proxy_trainer.errors import DataAwayError


@dataclass(frozen=True, eq=False)
class CocoSplit:
    """The images of one annotation file and their boxes, as arrays.

    Images [n]: `image_ids` as in the file, integers or strings; `image_ranks` int64, their order, numbers before
    strings; `file_names`, paths below `images_dir`, of files wherever the image was found; `sizes` int32 [n, 2]
    (height, width in pixels, of the picture that the boxes refer to).

    Boxes [b], sorted by image, then in the order of the file: `box_images` int32 (index of the image), `boxes`
    float64 [b, 4] (x, y, width, height in pixels, no side negative), `categories` int32 (0 to c - 1, in the order of
    the category ids), `areas` float64 (square pixels), `crowd` bool (ignored in scoring, never a positive).

    Categories [c]: `category_ids` as in the file, integers or strings, which may have gaps, and `category_names`.

    `findings`: what is unusual in the file and how it was understood.
    """

    images_dir: Path
    annotations_file: Path
    annotations_sha256: str
    image_ids: tuple[int | str, ...]
    image_ranks: NDArray[np.int64]
    file_names: tuple[str, ...]
    sizes: NDArray[np.int32]
    box_images: NDArray[np.int32]
    boxes: NDArray[np.float64]
    categories: NDArray[np.int32]
    areas: NDArray[np.float64]
    crowd: NDArray[np.bool_]
    category_ids: tuple[int | str, ...]
    category_names: tuple[str, ...]
    findings: tuple[Finding, ...] = ()

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
    `clipped` boxes were cut at a border of the image, `dropped` boxes had no area left.
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
    kept = np.all(inside[:, 2:] > inside[:, :2], axis=1)
    cut = kept & np.any(inside != corners, axis=1)
    return TrainingBoxes(
        images[kept], inside[kept].astype(np.float32), categories[kept], int(cut.sum()), int((~kept).sum())
    )


def load_split(images: Path, annotations: Path) -> CocoSplit:
    """Reads the annotation file `annotations` of the images in the directory `images`.

    Opens no image but those whose size is not stated. What is unusual and can be understood is in `findings`. Raises
    DataError (one line: the file, the entry, the expected value), EmptySplitError where no image is listed, and
    DataAwayError where the directory or the file is missing.
    """
    if not images.is_dir():
        raise DataAwayError(f"there is no images directory {images}")
    content = read_annotation_file(annotations)
    columns = BoxColumns()
    document = parse_document(annotations, content, columns)
    sha256 = hashlib.sha256(content).hexdigest()
    del content
    categories = read_categories(annotations, document["categories"])
    listed = read_images(annotations, document["images"], images)
    found = read_boxes(annotations, document["annotations"], columns, listed.ids, categories)
    return CocoSplit(
        images_dir=images,
        annotations_file=annotations,
        annotations_sha256=sha256,
        image_ids=listed.ids,
        image_ranks=id_ranks(listed.ids),
        file_names=listed.file_names,
        sizes=listed.sizes,
        box_images=found.images,
        boxes=found.boxes,
        categories=found.categories,
        areas=found.areas,
        crowd=found.crowd,
        category_ids=found.classes.ids,
        category_names=found.classes.names,
        findings=(*listed.findings, *found.findings),
    )
