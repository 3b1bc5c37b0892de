"""From a real number of channels to one that hardware likes."""

from __future__ import annotations

DIVISOR = 8


def round_width(width: float, divisor: int = DIVISOR) -> int:
    """The multiple of `divisor` nearest to `width` (halves go up), at least `divisor`, and never below 90 % of it.

    The 10 % guard is the rule of MobileNet and EfficientNet; with it the published widths of Table 1 and of the
    scaled models (Table 2) come out exactly.
    """
    rounded = max(divisor, int(width + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * width else rounded
