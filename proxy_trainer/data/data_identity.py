"""The identity of the data that a trial reads, by content: equal for a copy in another place, with other dates.

What counts is what was understood of the annotations, and the bytes of the image files. Names of files, their dates
and the layout of the annotation file do not count.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.data.images import image_content


@dataclass(frozen=True)
class SplitIdentity:
    """The identity of one split.

    `annotations_sha256` is over the class names and, in the order of the split, the order of the image ids, by which
    ties of scores are broken, and the image sizes, boxes, classes, areas and crowd flags; `images_sha256` is over the
    SHA-256 of each image file.
    """

    images: int
    boxes: int
    annotations_sha256: str
    images_sha256: str

    @classmethod
    def of(cls, split: CocoSplit, digests: NDArray[np.uint8]) -> SplitIdentity:
        """The identity of a split whose image files have these SHA-256 `digests`, uint8 [n, 32]."""
        images_sha256 = hashlib.sha256(digests.tobytes()).hexdigest()
        return cls(len(split), len(split.boxes), annotations_digest(split), images_sha256)

    @property
    def sha256(self) -> str:
        """One digest of the whole."""
        return _sha256(asdict(self))


@dataclass(frozen=True)
class DataIdentity:
    """The identity of the training images and of the reserved images."""

    train: SplitIdentity
    reserved: SplitIdentity

    @property
    def sha256(self) -> str:
        """One digest of the whole."""
        return _sha256(asdict(self))

    def to_dict(self) -> dict[str, Any]:
        """The identity as plain JSON values: `sha256` of the whole, and the fields of both splits."""
        return {"sha256": self.sha256, **asdict(self)}


def digests_by_path(split: CocoSplit, digests: NDArray[np.uint8]) -> dict[Path, bytes]:
    """The SHA-256 `digests` [n, 32] of the image files of a split, by their paths."""
    return {split.path(index): digest.tobytes() for index, digest in enumerate(digests)}


def image_digests(split: CocoSplit, known: Mapping[Path, bytes]) -> NDArray[np.uint8]:
    """The SHA-256 of each image file of a split, uint8 [n, 32]; reads those whose digest is not `known`.

    Raises as `proxy_trainer.data.images.image_content`.
    """
    found = [
        known.get(split.path(index)) or hashlib.sha256(image_content(split, index)).digest()
        for index in range(len(split))
    ]
    return np.frombuffer(b"".join(found), np.uint8).reshape(len(split), -1)


def annotations_digest(split: CocoSplit) -> str:
    """The `annotations_sha256` of the identity of a split."""
    digest = hashlib.sha256(json.dumps(split.category_names).encode())
    for values, kind in (
        (split.image_ranks, "<i8"),
        (split.sizes, "<i8"),
        (split.box_images, "<i8"),
        (split.boxes, "<f8"),
        (split.categories, "<i8"),
        (split.areas, "<f8"),
        (split.crowd, "|u1"),
    ):
        digest.update(f"{kind} {values.shape}".encode())
        digest.update(np.ascontiguousarray(values.astype(kind)).tobytes())
    return digest.hexdigest()


def _sha256(document: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
