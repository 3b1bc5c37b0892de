"""The bounding box of a COCO segmentation, for annotations without a box."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Box = tuple[float, float, float, float]


def segmentation_bounds(found: Any) -> Box | None:
    """(x, y, width, height) of polygons or of a run-length encoded mask; None where it holds no area.

    Polygons are lists of x, y, x, y, ... of at least three points; a single one need not be in a list of its own. A
    mask is an object with `size` [height, width] and `counts`, a list of run lengths or pycocotools' compressed text.
    """
    if isinstance(found, dict):
        return _mask_bounds(found)
    if not isinstance(found, list):
        return None
    polygons = [found] if found and not isinstance(found[0], list) else found
    points = [value for polygon in polygons if is_polygon(polygon) for value in polygon]
    if not points:
        return None
    x, y = points[::2], points[1::2]
    return _box(float(min(x)), float(min(y)), float(max(x)), float(max(y)))


def is_polygon(found: Any) -> bool:
    """Whether this is one polygon: a list of x, y, x, y, ... of at least three points."""
    return (
        isinstance(found, list)
        and len(found) >= 6
        and len(found) % 2 == 0
        and all(type(value) in (int, float) and abs(value) < 2**31 for value in found)
    )


def _box(left: float, top: float, right: float, bottom: float) -> Box | None:
    box = (left, top, right - left, bottom - top)
    return box if box[2] > 0 and box[3] > 0 and all(map(math.isfinite, box)) else None


def _mask_bounds(found: dict[str, Any]) -> Box | None:
    encoded = found.get("counts")
    size = _counts(found.get("size"), 1)
    counts = _counts(_decompressed(encoded) if isinstance(encoded, str) else encoded, 0)
    if size is None or len(size) != 2 or counts is None:
        return None
    height, width = size
    ends = np.cumsum(counts)
    if not len(ends) or ends[-1] != height * width:
        return None
    # Pixels run down the columns; runs alternate between outside and inside, beginning outside.
    starts, stops = np.concatenate([[0], ends])[1:-1:2], ends[1::2]
    inside = stops > starts
    starts, lasts = starts[inside], stops[inside] - 1
    if not len(starts):
        return None
    one_column = starts // height == lasts // height
    top = np.where(one_column, starts % height, 0).min()
    bottom = np.where(one_column, lasts % height, height - 1).max()
    return _box(int(starts[0] // height), int(top), int(lasts[-1] // height) + 1, int(bottom) + 1)


def _counts(found: Any, least: int) -> list[int] | None:
    if isinstance(found, list) and all(type(value) is int and least <= value < 2**31 for value in found):
        return found
    return None


def _decompressed(text: str) -> list[int] | None:
    """The run lengths in pycocotools' text: 5 bits a character, low bits first; from the fourth on as differences."""
    counts: list[int] = []
    value = shift = 0
    for character in text:
        code = ord(character) - 48
        if not 0 <= code < 64 or shift > 30:
            return None
        value |= (code & 0x1F) << shift
        shift += 5
        if code & 0x20:
            continue
        if code & 0x10:
            value -= 1 << shift
        counts.append(value + counts[-2] if len(counts) > 2 else value)
        value = shift = 0
    return counts if not shift else None
