"""Cursors of paginated lists: the position at which a page ended, as opaque text."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from search_space.errors import InvalidValueError

MAX_LIMIT = 1_000
MAX_INTEGER = 2**63 - 1  # the largest integer of every supported database


def encode(position: list[Any]) -> str:
    """The cursor of a position (JSON values)."""
    text = json.dumps(position, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str, kinds: tuple[type | tuple[type, ...], ...]) -> list[Any]:
    """The position of a cursor. Raises InvalidValueError (field `cursor`) unless its values have these `kinds`."""
    try:
        position = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise _invalid(cursor) from error
    if not isinstance(position, list) or len(position) != len(kinds):
        raise _invalid(cursor)
    for value, kind in zip(position, kinds, strict=True):
        if not isinstance(value, kind) or isinstance(value, bool):
            raise _invalid(cursor)
        if isinstance(value, int) and abs(value) > MAX_INTEGER:
            raise _invalid(cursor)
        if isinstance(value, str) and not (value.isascii() and value.isprintable()):
            raise _invalid(cursor)  # positions have ids as texts; a database refuses some other texts
    return position


def checked_limit(limit: int) -> int:
    """Returns `limit`. Raises InvalidValueError (field `limit`) outside 1 to MAX_LIMIT."""
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidValueError(f"limit is {limit}; it must be 1 to {MAX_LIMIT}", field="limit")
    return limit


def _invalid(cursor: str) -> InvalidValueError:
    message = f"cursor '{cursor[:80]}' is not from this list; omit it to begin with the first page"
    return InvalidValueError(message, field="cursor", value=cursor)
