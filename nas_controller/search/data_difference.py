"""What differs between two identities of data, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

RESTORE_DATA = "Restore the data set and retry this campaign, or create a new campaign for the changed data"
_HALVES = {"train": "training", "reserved": "reserved"}
_PARTS = {"annotations_sha256": "annotations", "images_sha256": "images"}


def data_difference(expected: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """What `found` has that is not as expected, such as `other reserved annotations (90 reserved boxes instead of 92)`.

    Both are identities of data: `sha256` over all, and of the halves `train` and `reserved` the numbers `images` and
    `boxes` and the digests `annotations_sha256` and `images_sha256` (`proxy_trainer.data.data_identity`).
    """
    parts = [
        f"{half_name} {part}"
        for half, half_name in _HALVES.items()
        for key, part in _PARTS.items()
        if _value(expected, half, key) != _value(found, half, key)
    ]
    counts = [
        f"{_value(found, half, key)} {half_name} {key} instead of {_value(expected, half, key)}"
        for half, half_name in _HALVES.items()
        for key in ("images", "boxes")
        if _value(expected, half, key) != _value(found, half, key)
    ]
    counted = f" ({', '.join(counts)})" if counts else ""
    return f"other {' and '.join(parts) or 'data'}{counted}"


def _value(identity: Mapping[str, Any], half: str, key: str) -> Any:
    return (identity.get(half) or {}).get(key)
