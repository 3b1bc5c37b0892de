"""What is unusual about a data set and was accepted: counted, with a message and examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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


def counted(count: int, noun: str) -> str:
    """The number and the noun: 1 box is "1 box", 2 are "2 boxes"."""
    if count == 1:
        return f"1 {noun}"
    if noun.endswith("y"):
        return f"{count} {noun[:-1]}ies"
    return f"{count} {noun}{'es' if noun.endswith('x') else 's'}"


def brief(value: Any) -> str:
    """The value's `repr`, shortened to 60 characters for messages."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
