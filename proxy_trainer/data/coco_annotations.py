"""Collects the boxes of a COCO annotation file into arrays while the JSON is parsed."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proxy_trainer.data.findings import brief
from proxy_trainer.data.identifiers import identifier
from proxy_trainer.data.segmentation_bounds import segmentation_bounds

Row = tuple[int]
"""What stands for an annotation in the parsed document: its row. JSON itself holds no tuples."""

GIVEN, FROM_OUTLINE, NO_BOX = range(3)
"""Where the box of an annotation comes from."""

INVALID_AREA = -1.0


class BoxColumns:
    """An `object_hook` for `json.loads` that moves each valid annotation to columns and returns its row.

    The instances of train2017 are 450 MB of text, mostly outlines, and would need many times that as Python objects.
    Invalid annotations remain objects, so that later checks can report their position in the file.
    """

    def __init__(self) -> None:
        self.image_ids: dict[int | str, int] = {}
        self.category_ids: dict[int | str, int] = {}
        """The ids that annotations name, and the number of each in the columns."""
        self._images, self._categories = array("q"), array("q")
        self._boxes, self._areas = array("d"), array("d")
        self._crowd, self._sources = array("b"), array("b")
        self._ids, self._other_ids = array("q"), dict[int, Any]()

    def __call__(self, found: dict[str, Any]) -> dict[str, Any] | Row:
        if "image_id" not in found:
            return found
        try:
            image, category = _id(found, "image_id"), _id(found, "category_id")
            crowd = _crowd(found)
            source, box = _box(found)
        except AnnotationFaultError:
            return found
        row = len(self._areas)
        self._images.append(self.image_ids.setdefault(image, len(self.image_ids)))
        self._categories.append(self.category_ids.setdefault(category, len(self.category_ids)))
        self._crowd.append(crowd)
        self._sources.append(source)
        self._boxes.extend(box)
        self._areas.append(_area(found.get("area")))
        try:
            self._ids.append(found["id"])
        except (KeyError, TypeError, OverflowError):
            self._ids.append(0)
            self._other_ids[row] = found.get("id")
        return (row,)

    def arrays(self, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """The given rows as columns of length n.

        `image` and `category` int64, numbers in `image_ids` and `category_ids`; `bbox` float64 [n, 4]; `area` float64,
        NaN where there is none and INVALID_AREA where it is no number; `crowd` bool; `source` int8 (GIVEN,
        FROM_OUTLINE or NO_BOX).
        """
        return {
            "image": np.array(self._images, np.int64)[rows],
            "category": np.array(self._categories, np.int64)[rows],
            "bbox": np.array(self._boxes, np.float64).reshape(-1, 4)[rows],
            "area": np.array(self._areas, np.float64)[rows],
            "crowd": np.array(self._crowd, np.int8)[rows] == 1,
            "source": np.array(self._sources, np.int8)[rows],
        }

    def ids(self, rows: NDArray[np.int64]) -> list[Any]:
        """The annotations' own ids in the given rows, whatever they are; None where there is none."""
        return [self._other_ids[row] if row in self._other_ids else self._ids[row] for row in rows.tolist()]


class AnnotationFaultError(ValueError):
    """Why an object is not a usable detection annotation, to complete a sentence."""


def annotation_fault(found: dict[str, Any]) -> str:
    """The fault of an annotation that `BoxColumns` has left as an object."""
    try:
        _id(found, "image_id")
        _id(found, "category_id")
        _crowd(found)
        _box(found)
    except AnnotationFaultError as fault:
        return str(fault)
    return "is inside another object"


def _id(found: dict[str, Any], field: str) -> int | str:
    if field not in found:
        raise AnnotationFaultError(f"has no '{field}'")
    known = identifier(found[field])
    if known is None:
        raise AnnotationFaultError(f"has {field} {brief(found[field])}, which must be an integer or a string")
    return known


def _crowd(found: dict[str, Any]) -> int:
    crowd = found.get("iscrowd")
    if crowd is None:
        return 0
    if crowd in (0, 1, "0", "1"):
        return int(crowd)
    raise AnnotationFaultError(f"has iscrowd {brief(crowd)}, which must be 0 or 1")


def _box(found: dict[str, Any]) -> tuple[int, tuple[float, ...] | list[float]]:
    box = found.get("bbox")
    if type(box) is list and len(box) == 4:
        for value in box:
            if type(value) is not float and type(value) is not int:
                break
        else:
            try:
                return GIVEN, [float(value) for value in box]
            except OverflowError:
                raise AnnotationFaultError("has a number in bbox that is too large") from None
    if box is None or box == []:
        outline = segmentation_bounds(found.get("segmentation"))
        return (NO_BOX, (0.0, 0.0, 0.0, 0.0)) if outline is None else (FROM_OUTLINE, outline)
    raise AnnotationFaultError(f"has bbox {brief(box)}, which must be four numbers [x, y, width, height]")


def _area(found: Any) -> float:
    if found is None:
        return np.nan
    if type(found) not in (int, float):
        return INVALID_AREA
    try:
        area = float(found)
    except OverflowError:
        return INVALID_AREA
    return INVALID_AREA if area != area else area
