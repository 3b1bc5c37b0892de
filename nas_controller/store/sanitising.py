"""Sanitises texts from outside (errors, logs of workers) so that every database can store them."""

from __future__ import annotations

from typing import overload


@overload
def sanitise(text: str) -> str: ...
@overload
def sanitise(text: None) -> None: ...
def sanitise(text: str | None) -> str | None:
    """The text with a replacement character for every NUL, which PostgreSQL cannot store, and for every half of a
    surrogate pair, which is no text.
    """
    if text is None:
        return None
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")
