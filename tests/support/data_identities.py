"""Identities of data sets, as workers state them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from proxy_trainer.data.data_identity import DataIdentity

CATEGORIES: list[tuple[int | str, str]] = [(3, "car"), (7, "truck")]
"""The categories of a data set by class slot: id and name."""


def data_identity(**changed: str | int) -> dict[str, Any]:
    """The identity of 48 training and 12 reserved images; `train_boxes=3`, say, is that of changed data."""
    halves: dict[str, dict[str, Any]] = {
        "train": {"images": 48, "boxes": 96, "annotations_sha256": "a" * 64, "images_sha256": "b" * 64},
        "reserved": {"images": 12, "boxes": 24, "annotations_sha256": "c" * 64, "images_sha256": "d" * 64},
    }
    for name, value in changed.items():
        half, _, key = name.partition("_")
        assert key in halves[half]
        halves[half][key] = value
    return {"sha256": hashlib.sha256(json.dumps(halves).encode()).hexdigest(), **halves}


def with_classes(identity: DataIdentity) -> dict[str, Any]:
    """What the outcomes of a search state: the identity of its data, and CATEGORIES as their classes."""
    return {**identity.to_dict(), "classes": [{"id": number, "name": name} for number, name in CATEGORIES]}
