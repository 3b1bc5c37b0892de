"""The input of every exporter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from search_space.architecture import Architecture


@dataclass(frozen=True)
class ExportedArchitecture:
    """An architecture, the uniform baseline of its search, and its provenance."""

    architecture: Architecture
    baseline: Architecture
    provenance: dict[str, Any]
