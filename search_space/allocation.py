"""Equations 2 to 4: each block's share of the computation, from one multiplier per block."""

from __future__ import annotations

import math
from collections.abc import Sequence

from search_space.architecture import EXPANSION, Architecture
from search_space.errors import InvalidValueError
from search_space.topology import BLOCKS


def block_madds(architecture: Architecture) -> tuple[float, ...]:
    """F_i of Equation 2: the approximate multi-adds H W c^2 2 r of each block, over all its repeats."""
    return tuple(
        (architecture.input_px / 2**block.level) ** 2 * width**2 * 2 * EXPANSION * repeats
        for block, width, repeats in zip(BLOCKS, architecture.widths, architecture.repeats, strict=True)
    )


def allocate(betas: Sequence[float], madds: Sequence[float], target_madds: float) -> tuple[float, ...]:
    """alpha_i of Equation 4: multipliers in the ratio of `betas` for which the blocks take `target_madds` together.

    Proportional vectors of betas give the same alphas, to the last bit. Raises InvalidValueError unless every
    beta is a positive number.
    """
    if len(betas) != len(madds):
        raise InvalidValueError(
            f"{len(betas)} betas given; there must be {len(madds)}, one for each searched block", field="betas"
        )
    for index, beta in enumerate(betas):
        if not (isinstance(beta, (int, float)) and math.isfinite(beta) and beta > 0):
            raise InvalidValueError(f"betas[{index}] is {beta!r}; it must be a positive number", field="betas")
    largest = max(betas)
    shares = [beta / largest for beta in betas]
    scalar = target_madds / math.fsum(share * cost for share, cost in zip(shares, madds, strict=True))
    return tuple(scalar * share for share in shares)
