"""The object classes of a COCO annotation file."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proxy_trainer.data.coco_document import checked_object
from proxy_trainer.data.findings import Finding, brief, findings_of
from proxy_trainer.data.identifiers import id_ranks, identifier
from proxy_trainer.errors import DataError


@dataclass(frozen=True, eq=False)
class Categories:
    """The classes in the order of their ids: `ids`, `names` and `parents` (supercategories, "" for none)."""

    ids: tuple[int | str, ...]
    names: tuple[str, ...]
    parents: tuple[str, ...]


def read_categories(annotations: Path, found: list[Any]) -> Categories:
    """All categories that are listed. Raises DataError for one without an id of its own or without a name."""
    entries: dict[int | str, tuple[str, str]] = {}
    for index, category in enumerate(found):
        where = f"categories[{index}]"
        fields = checked_object(annotations, where, category)
        for field in ("id", "name"):
            if field not in fields:
                raise DataError(f"{annotations}: {where} has no '{field}'")
        number, name, parent = identifier(fields["id"]), fields["name"], fields.get("supercategory")
        if number is None:
            raise DataError(f"{annotations}: {where}.id is {brief(fields['id'])}, which must be an integer or a string")
        if not isinstance(name, str):
            raise DataError(f"{annotations}: {where}.name is {brief(name)}, which must be a string")
        if number in entries:
            raise DataError(f"{annotations}: {where}.id {brief(number)} is a duplicate; category ids must be unique")
        entries[number] = (name, parent if isinstance(parent, str) else "")
    ids = list(entries)
    ids = [ids[index] for index in np.argsort(id_ranks(ids))]
    return Categories(tuple(ids), tuple(entries[each][0] for each in ids), tuple(entries[each][1] for each in ids))


def merged_categories(
    annotations: Path, categories: Categories, boxes: NDArray[np.int64]
) -> tuple[Categories, NDArray[np.int64], list[Finding]]:
    """The classes that are learned, the index among them of each category that was listed, and the findings.

    `boxes` int64 [c] is the number of boxes of each. Categories of one name are one class, under the first id. A root
    category, which Roboflow writes, is no class: id 0, no supercategory, no box, and the supercategory of others.
    """
    ids, names, parents = categories.ids, categories.names, categories.parents
    roots = [
        index
        for index, number in enumerate(ids)
        if number == 0
        and parents[index] in ("", "none")
        and boxes[index] == 0
        and any(parents[other] == names[index] for other in range(len(ids)) if other != index)
    ]
    first: dict[str, int] = {}
    for index, name in enumerate(names):
        if index not in roots:
            first.setdefault(name, index)
    kept = list(first.values())
    new_index = {old: new for new, old in enumerate(kept)}
    indices = np.array([-1 if index in roots else new_index[first[name]] for index, name in enumerate(names)], np.int64)
    merged = [index for index, name in enumerate(names) if index not in roots and first[name] != index]
    found = [
        *findings_of(
            "category-twice",
            [f"{brief(names[index])} (id {ids[index]} as {ids[first[names[index]]]})" for index in merged],
            annotations.name,
            "category",
            "of the name of another, taken as one class with it",
        ),
        *findings_of(
            "root-category",
            [f"{brief(names[index])} (id {ids[index]})" for index in roots],
            annotations.name,
            "category",
            "that is no class, but the root of the others, left out",
        ),
        *_odd_names(annotations, list(first)),
    ]
    classes = Categories(
        tuple(ids[index] for index in kept),
        tuple(names[index] for index in kept),
        tuple(parents[index] for index in kept),
    )
    return classes, indices, found


def _odd_names(annotations: Path, names: list[str]) -> list[Finding]:
    alike = defaultdict(list)
    for name in names:
        alike[" ".join(name.casefold().split())].append(name)
    return [
        *findings_of(
            "category-names-alike",
            [" and ".join(map(brief, group)) for key, group in alike.items() if len(group) > 1 and key],
            annotations.name,
            "group",
            "of categories whose names differ in case or spaces only, taken as different classes",
        ),
        *findings_of(
            "category-without-name",
            [brief(name) for name in names if not name.strip()],
            annotations.name,
            "category",
            "with an empty name",
        ),
    ]
