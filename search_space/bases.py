"""The base of a search space: a published architecture, by its name, or any other."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from search_space.architecture import Architecture
from search_space.published import BASES
from search_space.space_checks import invalid_argument


def checked_base(base: str | Architecture) -> Architecture:
    """The architecture itself, or the published one of this name. Raises InvalidValueError for an unknown name."""
    if isinstance(base, Architecture):
        return base
    if base not in BASES:
        raise invalid_argument("base", base, f"one of {', '.join(BASES)}")
    return BASES[base]


def base_identity(base: Architecture) -> str | dict[str, Any]:
    """The name of a published architecture, or all that another one is, whatever its name."""
    published = BASES.get(base.name.lower())
    if published == base:
        return published.name
    return {name: value for name, value in json.loads(json.dumps(asdict(base))).items() if name != "name"}
