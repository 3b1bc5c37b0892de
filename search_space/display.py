"""Texts of users, data sets and other programs, made safe to show in a terminal or on a page."""

from __future__ import annotations

import json
import math
import re
from typing import Any

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and line feed
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional controls
    "\u2028\u2029\ud800-\udfff]"  # line and paragraph separators, lone surrogates
)


def displayed(text: str) -> str:
    """The text with every character escaped (`\\x1b`, `\\u202e`) that a terminal would obey or that reorders a line."""
    return _UNSAFE.sub(lambda found: _escape(found[0]), text)


def displayed_line(text: str) -> str:
    """The text as `displayed`, its line breaks escaped too: for a cell of a table or a message of one line."""
    return displayed(text).replace("\n", "\\n")


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def json_text(document: Any, encoding: str | None = None, *, indent: int | None = 2) -> str:
    """The document as JSON, which parses back equal: such characters, and all that `encoding` lacks, as `\\uXXXX`.

    Raises ValueError for NaN and infinity, which JSON does not have.
    """
    text = json.dumps(document, indent=indent, ensure_ascii=False, allow_nan=False)
    try:
        text.encode(encoding or "utf-8", "surrogatepass")
    except (UnicodeEncodeError, LookupError):
        text = json.dumps(document, indent=indent, allow_nan=False)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def counted(count: int, noun: str) -> str:
    """The number and the noun: 1 box is "1 box", 2 are "2 boxes"."""
    if count == 1:
        return f"1 {noun}"
    if noun.endswith("y"):
        return f"{count:,} {noun[:-1]}ies"
    return f"{count:,} {noun}{'es' if noun.endswith('x') else 's'}"


def written_difference(one: float, other: float, digits: int = 3) -> float:
    """The difference of two numbers as they are written with so many digits: a reader who subtracts finds the same."""
    return round(one, digits) - round(other, digits)


def duration(seconds: float | None) -> str:
    """A duration: `42 s`, `3 min 05 s`, `2 h 10 min`, `1,041 d 16 h`. static/format.js has the same rule."""
    if seconds is None or not math.isfinite(seconds):
        return "-"
    if 0 < seconds < 0.5:
        return "under 1 s"
    whole = math.floor(max(0.0, seconds) + 0.5)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400:,} d {whole % 86400 // 3600} h"


def device_time(hours: float | None) -> str:
    """Device hours as a time: `4 min 00 s of device time`. static/format.js has the same rule."""
    return f"{duration(None if hours is None else 3600 * hours)} of device time"
