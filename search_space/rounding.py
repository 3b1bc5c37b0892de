"""Rounds numbers of channels to multiples of a divisor."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

DIVISOR = 8
MAX_DIVISOR = 64


def round_widths(widths: npt.NDArray[np.float64], divisor: int = DIVISOR) -> npt.NDArray[np.int64]:
    """The multiples of `divisor` nearest to `widths` (half up), at least `divisor`, never below 90 % of a width.

    The 10 % guard is the rule of MobileNet and EfficientNet; it gives exactly the published widths of Table 1 and of
    the scaled models (Table 2). A result is always one of the two multiples around its width, or the smallest one.
    """
    rounded = np.maximum(np.floor((widths + divisor / 2) / divisor), 1.0) * divisor
    return np.asarray(rounded + divisor * (rounded < 0.9 * widths), dtype=np.int64)


def round_width(width: float, divisor: int = DIVISOR) -> int:
    """One width, rounded by `round_widths`."""
    return int(round_widths(np.asarray(width, dtype=np.float64), divisor))
