"""Large counts as people write them: `647.5 M`, `1.3 G`."""

from __future__ import annotations

import re
from decimal import Decimal

_UNITS = {"K": 10**3, "M": 10**6, "G": 10**9, "B": 10**9, "T": 10**12}
_PATTERN = re.compile(r"\s*(\d{1,15}(?:\.\d{1,12})?)\s*([KMGBT])\s*", re.IGNORECASE)


def parse_count(text: str) -> int | None:
    """The whole number that a text such as `647.5M` or `1.3 G` means; None for any other text."""
    found = _PATTERN.fullmatch(text)
    return None if found is None else round(Decimal(found[1]) * _UNITS[found[2].upper()])


def at_least(count: int) -> str:
    """A short count that is not below this one: 647,488,064 is `647.5 M`."""
    unit, name = _unit(count)
    return _short(-(-count * 10 // unit), name)


def at_most(count: int) -> str:
    """A short count that is not above this one: 647,488,064 is `647.4 M`."""
    unit, name = _unit(count)
    return _short(count * 10 // unit, name)


def _unit(count: int) -> tuple[int, str]:
    return (10**6, "M") if count < 10**10 else (10**9, "G")


def _short(tenths: int, unit: str) -> str:
    return f"{tenths // 10:,}.{tenths % 10} {unit}"
