"""What every format is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from search_space.architecture import Architecture


@dataclass(frozen=True)
class ExportedArchitecture:
    """An architecture to take away, the uniform baseline that it was searched against, and where it comes from."""

    architecture: Architecture
    baseline: Architecture
    provenance: dict[str, Any]
