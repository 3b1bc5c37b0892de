"""The images of a COCO annotation file: their ids, files and sizes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proxy_trainer.data.coco_document import checked_object
from proxy_trainer.data.findings import Finding, brief, findings_of
from proxy_trainer.data.identifiers import identifier
from proxy_trainer.data.image_header import read_header
from proxy_trainer.data.image_names import ImageNames, find_images
from proxy_trainer.errors import DataError, UnreadableImageError
from proxy_trainer.threads import thread_count

_URL_FIELDS = ("coco_url", "flickr_url")
"""Where a name is taken from in files without `file_name`, such as those of LVIS."""


@dataclass(frozen=True, eq=False)
class ListedImages:
    """The images in the order of the file, as `CocoSplit` has them."""

    ids: tuple[int | str, ...]
    file_names: tuple[str, ...]
    sizes: NDArray[np.int32]
    findings: list[Finding]


def read_images(annotations: Path, found: list[Any], images_dir: Path) -> ListedImages:
    """The listed images; opens those files whose size is not stated.

    Raises DataError for an image without an id of its own or without a name, and UnreadableImageError where neither the
    annotations nor the file tell its size.
    """
    ids: dict[int | str, None] = {}
    names, sizes = [], []
    for index, image in enumerate(found):
        where = f"images[{index}]"
        fields = checked_object(annotations, where, image)
        number = fields.get("id")
        if type(number) is not int:
            number = _id(annotations, where, fields)
        if number in ids:
            raise DataError(f"{annotations}: {where}.id {brief(number)} is a duplicate; image ids must be unique")
        ids[number] = None
        names.append(_name(annotations, where, fields))
        sizes.append((_side(fields.get("height")), _side(fields.get("width"))))
    images = find_images(images_dir, names, annotations.name)
    known, unknown = _sizes(annotations, images_dir, images, np.array(sizes, np.int32))
    return ListedImages(tuple(ids), images.paths, known, images.findings + unknown)


def _id(annotations: Path, where: str, fields: dict[str, Any]) -> int | str:
    if "id" not in fields:
        raise DataError(f"{annotations}: {where} has no 'id'")
    number = identifier(fields["id"])
    if number is None:
        raise DataError(f"{annotations}: {where}.id is {brief(fields['id'])}, which must be an integer or a string")
    return number


def _name(annotations: Path, where: str, fields: dict[str, Any]) -> str:
    name = fields.get("file_name")
    if name is None:
        name = next((fields[field] for field in _URL_FIELDS if fields.get(field) is not None), None)
    if name is None:
        raise DataError(f"{annotations}: {where} has no 'file_name'")
    if not isinstance(name, str) or not name.strip():
        raise DataError(f"{annotations}: {where}.file_name is {brief(name)}, which must be the name of a file")
    return name


def _side(found: Any) -> int:
    """The width or height in pixels, 0 where it is not a positive integer."""
    if type(found) is float and found.is_integer():
        found = int(found)
    return found if type(found) is int and 0 < found < 2**31 else 0


def _sizes(
    annotations: Path, images_dir: Path, images: ImageNames, stated: NDArray[np.int32]
) -> tuple[NDArray[np.int32], list[Finding]]:
    unknown = np.flatnonzero((stated == 0).any(axis=1)).tolist()
    if not unknown:
        return stated, []

    def size(index: int) -> tuple[int, int]:
        try:
            header = read_header(images_dir / images.paths[index])
        except UnreadableImageError as error:
            raise DataError(f"{annotations}: images[{index}] has no width and height, and {error}") from error
        return header.height, header.width

    sizes = stated.copy()
    if images.found.any():
        with ThreadPoolExecutor(thread_count()) as pool:
            sizes[unknown] = list(pool.map(size, unknown))
    else:
        sizes[unknown] = 1  # Nothing is there, which is the error that says more.
    return sizes, findings_of(
        "size-from-file",
        [f"images[{index}] ({images.paths[index]})" for index in unknown],
        annotations.name,
        "image",
        "without a width and height, taken from the file",
    )
