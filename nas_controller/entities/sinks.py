"""How far a sink has the record of a campaign."""

from __future__ import annotations

from typing import Any

from nas_controller.entities.document import Document


class SinkPosition(Document):
    """The latest event that a sink has, the number of entries that it has got, and the sums up to there."""

    sequence: int = 0
    written: int = 0
    state: dict[str, Any] = {}  # noqa: RUF012 (pydantic copies it)
