"""A reward without training, for tests, benchmarks and fault injection only: profile `synthetic`.

reward = 0.02 + 0.9 exp(-d^2 / 2), where d^2 is the mean over the blocks of
(ln(width / (base width * optimum factor)) / 0.35)^2.

The optimum factors are fixed and differ from block to block, between 0.4 and 1.5, so the optimum is unique and far from
the uniform baseline. The function is smooth in the logarithms of the widths, separable by block, and lies between 0.02
and 0.92. It has no noise: equal widths give equal rewards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

FLOOR = 0.02
HEIGHT = 0.9
SPREAD = 0.35

OPTIMUM_FACTORS = (
    0.60, 1.30, 0.70, 0.60, 1.10, 1.40, 1.50, 0.40, 1.40,
    1.20, 0.60, 1.50, 0.80, 1.30, 1.40, 0.70, 0.80, 0.40,
)  # fmt: skip
"""The widths at the optimum as factors on the base widths, one per block."""


def reward(widths: Sequence[int], base_widths: Sequence[int]) -> float:
    """The reward of these widths, in (0, 1).

    Raises ValueError unless there are as many widths and base widths as blocks, all positive.
    """
    squares = [
        ((math.log(width / base) - math.log(factor)) / SPREAD) ** 2
        for width, base, factor in zip(widths, base_widths, OPTIMUM_FACTORS, strict=True)
    ]
    return FLOOR + HEIGHT * math.exp(-math.fsum(squares) / len(squares) / 2.0)
