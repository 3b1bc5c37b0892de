"""The boxes of a COCO annotation file as arrays, with what is unusual about them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from proxy_trainer.data.coco_annotations import FROM_OUTLINE, NO_BOX, BoxColumns, annotation_fault
from proxy_trainer.data.coco_categories import Categories, merged_categories
from proxy_trainer.data.findings import MAX_EXAMPLES, Finding, brief
from proxy_trainer.data.identifiers import id_indices
from proxy_trainer.errors import DataError
from search_space.display import counted

MAX_AREA = 1e10
"""The largest area, in square pixels, of a box that the COCO metrics score."""

_LARGER_AREA = 1.1
"""An area above the box's by more than this factor is no rounding."""


@dataclass(frozen=True, eq=False)
class ListedBoxes:
    """The boxes sorted by image, and the classes, as `CocoSplit` has them."""

    images: NDArray[np.int32]
    boxes: NDArray[np.float64]
    categories: NDArray[np.int32]
    areas: NDArray[np.float64]
    crowd: NDArray[np.bool_]
    classes: Categories
    findings: list[Finding]


def read_boxes(
    annotations: Path,
    found: list[Any],
    columns: BoxColumns,
    image_ids: tuple[int | str, ...],
    listed: Categories,
) -> ListedBoxes:
    """The usable boxes of all annotations; `found` are their rows in `columns`.

    Annotations of unlisted images and without a box are left out, with a finding. Raises DataError for an annotation
    that cannot be understood, names an unlisted category or has a number that is not finite.
    """
    rows = _Rows(annotations, found, columns)
    image_of, image_by_text = _indices(rows.columns["image"], list(columns.image_ids), image_ids)
    category_of, category_by_text = _indices(rows.columns["category"], list(columns.category_ids), listed.ids)
    _refuse_unlisted(rows, category_of, list(columns.category_ids))
    measures = _measured(rows)
    kept = (image_of >= 0) & (rows.columns["source"] != NO_BOX)
    notes = [
        rows.note("annotation-without-image", image_of < 0, "of images that are not in 'images', left out"),
        rows.note(
            "id-type",
            kept & (image_by_text | category_by_text),
            "with a string for the id of an image or category that is a number, or the reverse",
        ),
        *_box_notes(rows, measures, kept),
        rows.note_repeated_ids(),
    ]
    counts = np.bincount(category_of[kept], minlength=len(listed.ids))
    classes, class_of, merged = merged_categories(annotations, listed, counts)
    kept_rows = np.flatnonzero(kept)
    order = kept_rows[np.argsort(image_of[kept_rows], kind="stable")]
    return ListedBoxes(
        images=image_of[order].astype(np.int32),
        boxes=measures.boxes[order],
        categories=class_of[category_of[order]].astype(np.int32),
        areas=measures.areas[order],
        crowd=rows.columns["crowd"][order],
        classes=classes,
        findings=[note for note in notes if note is not None] + merged,
    )


def _indices(
    numbers: NDArray[np.int64], named: list[int | str], ids: tuple[int | str, ...]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The index among `ids` of what each annotation names, -1 where it is not there; and where its type differs."""
    indices, other_type = id_indices(named, ids)
    if not len(numbers):
        return numbers, np.zeros(0, np.bool_)
    return indices[numbers], other_type[numbers]


def _refuse_unlisted(rows: _Rows, category_of: NDArray[np.int64], named: list[int | str]) -> None:
    unlisted = category_of < 0
    if unlisted.any():
        number = named[rows.columns["category"][unlisted.argmax()]]
        rows.refuse(
            unlisted,
            f"has category_id {brief(number)}, which is not in 'categories'; add it there or remove its annotations",
        )


class _Measures(NamedTuple):
    """The boxes and areas as they are used, and where they differ from the file's, bool [n] each."""

    boxes: NDArray[np.float64]
    areas: NDArray[np.float64]
    inverted: NDArray[np.bool_]
    empty: NDArray[np.bool_]
    invalid: NDArray[np.bool_]
    larger: NDArray[np.bool_]


def _measured(rows: _Rows) -> _Measures:
    boxes, stated = rows.columns["bbox"].copy(), rows.columns["area"]
    rows.refuse(~np.isfinite(boxes).all(axis=1), "has a bbox with a number that is not finite")
    inverted = boxes[:, 2:].min(axis=1, initial=0) < 0
    boxes[:, :2] += np.minimum(boxes[:, 2:], 0)
    boxes[:, 2:] = np.abs(boxes[:, 2:])
    with np.errstate(over="ignore"):
        products = np.minimum(boxes[:, 2:].prod(axis=1), MAX_AREA)
    empty = products == 0
    missing = np.isnan(stated)
    valid = (stated > 0) & (stated <= MAX_AREA)
    return _Measures(
        boxes=boxes,
        areas=np.where(valid, stated, products),
        inverted=inverted,
        empty=empty,
        invalid=~(valid | missing | (empty & (stated == 0))),
        larger=valid & ~empty & (stated > _LARGER_AREA * products + 1),
    )


def _box_notes(rows: _Rows, measures: _Measures, kept: NDArray[np.bool_]) -> list[Finding | None]:
    source = rows.columns["source"]
    return [
        rows.note("annotation-without-box", source == NO_BOX, "without a box or an outline, left out"),
        rows.note(
            "box-from-outline", kept & (source == FROM_OUTLINE), "without a box; the bounds of the outline are taken"
        ),
        rows.note(
            "box-inverted",
            kept & measures.inverted,
            "with a box of negative width or height, taken as drawn from the opposite corner",
        ),
        rows.note(
            "box-without-area",
            kept & measures.empty,
            "with a box of no width or no height, which cannot be learned and counts as missed",
        ),
        rows.note(
            "area-invalid",
            kept & measures.invalid,
            f"with an area that is not a number above 0, up to {MAX_AREA:g}; width times height is taken",
        ),
        rows.note(
            "area-larger-than-box",
            kept & measures.larger,
            "with an area larger than the box, which decides whether it counts as small, medium or large",
        ),
    ]


class _Rows:
    """The annotations in the order of the file."""

    def __init__(self, annotations: Path, found: list[Any], columns: BoxColumns) -> None:
        for index, row in enumerate(found):
            if type(row) is not tuple:
                raise DataError(f"{annotations}: {_entry(index, row)} {_fault(row)}")
        self._file = annotations
        self._rows = np.array([row[0] for row in found], np.int64)
        self._ids = columns.ids(self._rows)
        self.columns = columns.arrays(self._rows)

    def refuse(self, bad: NDArray[np.bool_], fault: str) -> None:
        """Raises DataError where an annotation is bad."""
        rows = np.flatnonzero(bad)
        if len(rows):
            of = f" ({len(rows)} such annotations)" if len(rows) > 1 else ""
            raise DataError(f"{self._file}: {self._name(int(rows[0]))} {fault}{of}")

    def note(self, kind: str, found: NDArray[np.bool_], text: str) -> Finding | None:
        """The finding for the annotations where it is found."""
        rows = np.flatnonzero(found)
        if not len(rows):
            return None
        examples = tuple(self._name(int(row)) for row in rows[:MAX_EXAMPLES])
        return Finding(kind, len(rows), f"{self._file.name}: {counted(len(rows), 'annotation')} {text}", examples)

    def note_repeated_ids(self) -> Finding | None:
        """The finding for annotations with the id of an earlier one."""
        seen, repeated = set(), np.zeros(len(self._ids), np.bool_)
        for index, number in enumerate(self._ids):
            if type(number) in (int, str):
                repeated[index] = number in seen
                seen.add(number)
        return self.note("annotation-id-twice", repeated, "with the id of another, which is not used")

    def _name(self, index: int) -> str:
        number = self._ids[index]
        return f"annotations[{index}]" + ("" if number is None else f" (id {brief(number)})")


def _entry(index: int, row: Any) -> str:
    named = f" (id {brief(row['id'])})" if isinstance(row, dict) and "id" in row else ""
    return f"annotations[{index}]{named}"


def _fault(row: Any) -> str:
    return annotation_fault(row) if isinstance(row, dict) else f"is {brief(row)}, which must be an object"
