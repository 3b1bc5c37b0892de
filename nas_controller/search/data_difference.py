"""What differs between two identities of data, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SPLITS = {"train": "training", "reserved": "reserved"}


def data_difference(recorded: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """What `found` has that is not as in `recorded`, as one sentence without a full stop; both are identities of data.

    An identity is `sha256` over all, and of the splits `train` and `reserved` the numbers `images` and `boxes` and the
    digests `annotations_sha256` and `images_sha256` (`proxy_trainer.data.data_identity`).
    """
    changes = [
        change
        for split, name in _SPLITS.items()
        for change in _changes(recorded.get(split) or {}, found.get(split) or {}, name)
    ]
    return "; ".join(changes) or "it was read in another way"


def _changes(recorded: Mapping[str, Any], found: Mapping[str, Any], name: str) -> list[str]:
    changes = []
    if recorded.get("annotations_sha256") != found.get("annotations_sha256"):
        changes.append(f"the annotations of the {name} images differ{_counted(recorded, found, 'boxes')}")
    if recorded.get("images_sha256") != found.get("images_sha256"):
        changes.append(f"the {name} images differ{_counted(recorded, found, 'images')}")
    return changes


def _counted(recorded: Mapping[str, Any], found: Mapping[str, Any], what: str) -> str:
    before, now = recorded.get(what), found.get(what)
    return f" ({now} {what})" if before == now else f" ({now} {what}, {before} before)"
