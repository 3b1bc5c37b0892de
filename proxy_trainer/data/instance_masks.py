"""The outlines of the objects of a COCO split, and masks of them relative to their boxes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from pycocotools import mask as rle

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.data.coco_document import read_annotation_file
from proxy_trainer.data.findings import brief
from proxy_trainer.data.identifiers import id_indices, identifier
from proxy_trainer.data.segmentation_bounds import is_polygon, segmentation_bounds
from proxy_trainer.errors import DataError, EmptySplitError

MASK_PX = 56
"""Side of the stored masks: twice that of the targets, so that proposals may be a part of a box."""

Encoded = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class InstanceMasks:
    """The objects with an outline, sorted by image, then in the order of the file.

    `images` int32 [b], indices in the split; `categories` int32 [b]; `boxes` float32 [b, 4] (y1, x1, y2, x2) around the
    outline, in pixels of the original picture; `crowd` bool [b]; `areas` float64 [b]; `encoded` are the run-length
    encoded masks of whole pictures.
    """

    images: npt.NDArray[np.int32]
    categories: npt.NDArray[np.int32]
    boxes: npt.NDArray[np.float32]
    crowd: npt.NDArray[np.bool_]
    areas: npt.NDArray[np.float64]
    encoded: tuple[Encoded, ...]

    def of_image(self, index: int) -> npt.NDArray[np.intp]:
        """The objects of an image that training learns from: those that are no crowd and have an area."""
        first, last = np.searchsorted(self.images, [index, index + 1])
        return np.array([i for i in range(first, last) if not self.crowd[i] and self._has_area(i)], np.intp)

    def _has_area(self, index: int) -> bool:
        y1, x1, y2, x2 = self.boxes[index]
        return bool(y2 > y1 and x2 > x1)

    def cropped(self, index: int) -> npt.NDArray[np.float32]:
        """The mask of an object in its box, [MASK_PX, MASK_PX], 0 to 1, by bilinear interpolation."""
        mask = np.asarray(rle.decode(self.encoded[index]), np.uint8) * np.uint8(255)
        y1, x1, y2, x2 = (float(side) for side in self.boxes[index])
        cut = Image.fromarray(mask).resize((MASK_PX, MASK_PX), Image.Resampling.BILINEAR, box=(x1, y1, x2, y2))
        return np.asarray(cut, np.float32) / np.float32(255)


def load_instance_masks(split: CocoSplit) -> InstanceMasks:
    """The outlines in the annotation file of a split, for its images and categories.

    The box of an object is that of its mask. Raises DataError for an annotation without a segmentation or with one that
    is neither polygons nor a run-length encoded mask of the picture's size, and EmptySplitError where none is left.
    """
    document = json.loads(read_annotation_file(split.annotations_file))
    annotations, listed_images, listed_classes = (document[name] for name in ("annotations", "images", "categories"))
    image_of = {number: index for index, number in enumerate(split.image_ids)}
    class_of = {name: index for index, name in enumerate(split.category_names)}
    images = _named(
        annotations, "image_id", listed_images, [image_of.get(each, -1) for each in _ids(listed_images, "id")]
    )
    classes = _named(
        annotations, "category_id", listed_classes, [class_of.get(each["name"], -1) for each in listed_classes]
    )
    rows: list[tuple[int, int, Encoded, bool]] = []
    for number, (annotation, image, category) in enumerate(zip(annotations, images, classes, strict=True)):
        if min(image, category) >= 0:
            outline = _encoded(split, number, annotation.get("segmentation"), image)
            rows.append((image, category, outline, annotation.get("iscrowd") in (1, "1")))
    if not rows:
        raise EmptySplitError(f"{split.annotations_file} has no object with an outline")
    rows.sort(key=lambda row: row[0])
    encoded = tuple(row[2] for row in rows)
    x, y, width, height = np.array([rle.toBbox(each) for each in encoded], np.float32).T
    return InstanceMasks(
        np.array([row[0] for row in rows], np.int32),
        np.array([row[1] for row in rows], np.int32),
        np.stack([y, x, y + height, x + width], axis=1),
        np.array([row[3] for row in rows], np.bool_),
        np.array([float(rle.area(each)) for each in encoded]),
        encoded,
    )


def _named(
    annotations: Sequence[Mapping[str, Any]], field: str, listed: Sequence[Mapping[str, Any]], of_split: Sequence[int]
) -> list[int]:
    """The value in `of_split` of the listed entry that each annotation names in `field`; -1 where none is listed."""
    places, _ = id_indices(_ids(annotations, field), _ids(listed, "id"))
    return [of_split[place] if place >= 0 else -1 for place in places.tolist()]


def _ids(entries: Sequence[Mapping[str, Any]], field: str) -> list[int | str]:
    """The id in a field of each entry; `load_split` has refused entries without one."""
    return [number for entry in entries if (number := identifier(entry[field])) is not None]


def _encoded(split: CocoSplit, number: int, found: Any, image: int) -> Encoded:
    """The run-length encoded mask of an annotation."""
    height, width = (int(side) for side in split.sizes[image])
    where = f"{split.annotations_file}: annotations[{number}]"
    if not found:
        raise DataError(f"{where} has no segmentation; Mask R-CNN needs the outline of every object")
    # pycocotools does not check run lengths, and takes four numbers for a box.
    if segmentation_bounds(found) is None:
        raise DataError(f"{where} has the segmentation {brief(found)}, which is no outline of an area")
    if isinstance(found, list):
        polygons = found if isinstance(found[0], list) else [found]
        return dict(rle.merge(rle.frPyObjects([each for each in polygons if is_polygon(each)], height, width)))
    if list(found["size"]) != [height, width]:
        raise DataError(f"{where} has a mask of size {found['size']}; its picture has {[height, width]}")
    return dict(found if isinstance(found["counts"], str) else rle.frPyObjects(found, height, width))
