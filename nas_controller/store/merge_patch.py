"""JSON merge patches of campaign documents (RFC 7396)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def patched(document: dict[str, Any], patch: Mapping[str, Any]) -> Any:
    """A campaign's document after a merge patch.

    A patch with another algorithm drops the controller's settings, since each algorithm reads its own.
    """
    controller, change = document["controller"], patch.get("controller")
    if isinstance(change, Mapping) and change.get("algorithm", controller["algorithm"]) != controller["algorithm"]:
        document = document | {"controller": {"repeats": controller["repeats"]}}
    return _merged(document, patch)


def _merged(document: Any, patch: Any) -> Any:
    """Applies a merge patch as RFC 7396, section 2, defines."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(document) if isinstance(document, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name), value)
    return merged
