"""Collects the boxes of a COCO annotation file into arrays while the JSON is parsed."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray


class BoxColumns:
    """An `object_hook` for `json.loads` that moves each valid annotation to columns and returns its row number.

    The instances of train2017 are 450 MB of text, mostly outlines, and would need many times that as Python objects.
    Invalid annotations remain objects, so that later checks can report their position in the file.
    """

    def __init__(self) -> None:
        self._integers = {name: array("q") for name in ("id", "image_id", "category_id", "iscrowd")}
        self._boxes, self._areas = array("d"), array("d")

    def __call__(self, found: dict[str, Any]) -> dict[str, Any] | int:
        if "image_id" not in found or annotation_fault(found) is not None:
            return found
        row = len(self._areas)
        try:
            box = [float(value) for value in found["bbox"]]
            integers = [
                found.get("id", -1),
                found["image_id"],
                found["category_id"],
                int(found.get("iscrowd", 0)),
            ]
            area = float(found.get("area", box[2] * box[3]))
            for column, value in zip(self._integers.values(), integers, strict=True):
                column.append(value)
        except OverflowError:
            for column in self._integers.values():
                del column[row:]
            return found
        self._boxes.extend(box)
        self._areas.append(area)
        return row

    def arrays(self, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """The given rows: id, image_id, category_id and iscrowd int64 [n], bbox float64 [n, 4], area float64 [n]."""
        columns: dict[str, NDArray[Any]] = {
            name: np.frombuffer(column, np.int64)[rows] if column else np.zeros(0, np.int64)
            for name, column in self._integers.items()
        }
        columns["bbox"] = np.array(self._boxes, np.float64).reshape(-1, 4)[rows]
        columns["area"] = np.array(self._areas, np.float64)[rows]
        return columns


def annotation_fault(found: dict[str, Any]) -> str | None:
    """Why this object is not a valid detection annotation, to complete a sentence; None where it is valid."""
    for name in ("image_id", "category_id"):
        if name not in found:
            return f"has no '{name}'"
        if type(found[name]) is not int:
            return f"has {name} {found[name]!r}, which must be an integer"
    if "bbox" not in found:
        return "has no 'bbox' [x, y, width, height]"
    box = found["bbox"]
    if type(box) is not list or len(box) != 4 or any(type(value) not in (int, float) for value in box):
        return f"has bbox {brief(box)}, which must be four numbers [x, y, width, height]"
    if type(found.get("id", 0)) is not int:
        return f"has id {found['id']!r}, which must be an integer"
    if found.get("iscrowd", 0) not in (0, 1):
        return f"has iscrowd {found['iscrowd']!r}, which must be 0 or 1"
    if type(found.get("area", 0)) not in (int, float):
        return f"has area {found['area']!r}, which must be a number"
    return None


def brief(value: Any) -> str:
    """The value's `repr`, shortened to 60 characters for messages."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
