"""A reward without training, for tests, benchmarks and fault injection only: profile `synthetic`.

reward = 0.02 + 0.9 exp(-d^2 / 2), where d^2 is the mean over the blocks of ((ln(width / base width) - wish)
/ 0.35)^2.

The wishes are fixed, differ from block to block and lie between ln(0.4) and ln(1.5), so the optimum is
unique and away from the uniform distribution. The function is smooth in the logarithms of the widths, each
block adds its own share (so it can be learned block by block), and it lies within 0.02 and 0.92. Equal
widths give equal rewards: there is no noise.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

FLOOR = 0.02
HEIGHT = 0.9
SPREAD = 0.35

# Factors on the base widths at the optimum, one for each block.
WISHES = (
    0.60, 1.30, 0.70, 0.60, 1.10, 1.40, 1.50, 0.40, 1.40,
    1.20, 0.60, 1.50, 0.80, 1.30, 1.40, 0.70, 0.80, 0.40,
)  # fmt: skip


def reward(widths: Sequence[int], base_widths: Sequence[int], seconds: float = 0.0) -> float:
    """The reward of these widths, in (0, 1), after sleeping for `seconds`.

    Raises ValueError unless there are as many widths and base widths as blocks, all positive.
    """
    if seconds > 0:
        time.sleep(seconds)
    squares = [
        ((math.log(width / base) - math.log(wish)) / SPREAD) ** 2
        for width, base, wish in zip(widths, base_widths, WISHES, strict=True)
    ]
    return FLOOR + HEIGHT * math.exp(-math.fsum(squares) / len(squares) / 2.0)
