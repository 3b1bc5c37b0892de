"""What is unusual about a data set and was accepted: counted, with a message and examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from search_space.display import counted

MAX_EXAMPLES = 3


@dataclass(frozen=True)
class Finding:
    """One kind of oddity and how often it occurs.

    `kind` identifies it in JSON and must never change; `message` is a sentence that names the file and the count and
    says how it is understood; `examples` are at most MAX_EXAMPLES names of files, categories or entries.
    """

    kind: str
    count: int
    message: str
    examples: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The finding as plain JSON values."""
        return {"kind": self.kind, "count": self.count, "message": self.message, "examples": list(self.examples)}


def findings_of(kind: str, found: Sequence[str], source: str, noun: str, text: str) -> list[Finding]:
    """One finding with the names in `found`, or none where there are none.

    Its message is "SOURCE: 3 NOUNs TEXT", with `source` the name of the annotation file.
    """
    if not found:
        return []
    message = f"{source}: {counted(len(found), noun)} {text}"
    return [Finding(kind, len(found), message, tuple(found[:MAX_EXAMPLES]))]


def brief(value: Any) -> str:
    """The value's `repr`, shortened to 60 characters for messages."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
