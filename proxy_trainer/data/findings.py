"""What is unusual about a data set and was accepted: counted, with a message and examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MAX_EXAMPLES = 3


@dataclass(frozen=True)
class Finding:
    """One kind of oddity and how often it occurs.

    `kind` identifies it in JSON and must never change; `message` says what was found and how it is understood;
    `examples` are at most MAX_EXAMPLES names of files, categories or entries.
    """

    kind: str
    count: int
    message: str
    examples: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The finding as plain JSON values."""
        return {"kind": self.kind, "count": self.count, "message": self.message, "examples": list(self.examples)}
