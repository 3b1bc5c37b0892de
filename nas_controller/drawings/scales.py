"""Scales from values to px, and the round values at which an axis has its ticks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nas_controller.drawings.style import MINUS

Ticks = Sequence[tuple[float, str]]
"""Values with their labels."""
_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)
_ROUND_WHOLE = (1.0, 2.0, 5.0, 10.0)
_SLACK = 0.85
"""A step may be so much smaller than the one that gives the wanted number of ticks."""
_EVEN = 1e-9


@dataclass(frozen=True)
class Scale:
    """Maps `low` to `start` and `high` to `end` px, evenly or, with `is_log`, by the logarithm."""

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False

    def __call__(self, value: float) -> float:
        low, high = self.low, self.high
        if self.is_log:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return self.start + (self.end - self.start) * (value - low) / (high - low)


def padded(values: Iterable[float], share: float = 0.06, least: float = 1e-6) -> tuple[float, float]:
    """The range of the values with a margin on either side, at least `least` wide. Raises ValueError without values."""
    found = list(values)
    low, high = min(found), max(found)
    margin = max((high - low) * share, (least - (high - low)) / 2)
    return low - margin, high + margin


def even_ticks(low: float, high: float, count: int, *, whole: bool = False) -> Ticks:
    """About `count` round values from `low` to `high`; `whole` ones have no fraction."""
    raw = (high - low) / max(1, count)
    if whole:
        raw = max(1.0, raw)
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(each * size for each in (_ROUND_WHOLE if whole else _ROUND) if each * size >= raw * _SLACK)
    first, last = math.ceil(low / step - _EVEN), math.floor(high / step + _EVEN)
    decimals = _decimals(step)
    return [(index * step, number(index * step, decimals)) for index in range(first, last + 1)]


def log_ticks(low: float, high: float, count: int) -> Ticks:
    """Powers of ten from `low` to `high`, with 2 and 5 times these where that gives at most `count`."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        values = [factor * 10.0**exponent for exponent in exponents for factor in factors]
        inside = [value for value in values if low * (1 - _EVEN) <= value <= high * (1 + _EVEN)]
        if len(inside) <= max(2, count) and (len(inside) > 1 or factors == (1, 2, 5)):
            break
    if len(inside) < 2:
        return even_ticks(low, high, count)
    return [(value, f"{value:,.0f}" if value >= 1 else f"{value:.12f}".rstrip("0")) for value in inside]


def number(value: float, decimals: int) -> str:
    """A number with a minus sign and separated thousands."""
    text = f"{round(value, decimals) + 0.0:,.{decimals}f}"
    return text.replace("-", MINUS)


def _decimals(step: float) -> int:
    """The decimals that tell multiples of a step apart."""
    return next(places for places in range(16) if abs(round(step, places) - step) <= step * 1e-6)
