"""The search space: multipliers for the blocks, and the widths on budget that they stand for (section 3.3)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from search_space.architecture import EXPANSION, MAX_WIDTH, Architecture
from search_space.published import BASES, DEFAULT_BASE
from search_space.errors import BudgetError, InvalidValueError
from search_space.quadratic import QuadraticCost
from search_space.rounding import DIVISOR, round_width
from search_space.topology import BLOCKS, NUM_BLOCKS

CHOICES = (1, 5, 10, 15, 20)
"""Multipliers beta that a block can take (section 5.1.1, search details)."""

Mode = Literal["exact", "paper"]

BUDGET_TOLERANCE = 0.01
"""How far from the budget, as a fraction, an architecture of mode `exact` may lie."""

_BISECTIONS = 40
_CORRECTION_STEPS = 2


@dataclass(frozen=True)
class Candidate:
    """An architecture of the search space, from the multipliers to its cost.

    `betas` are the sampled multipliers, `alphas` the shares after Equation 4, `widths` the rounded channels (which
    identify the architecture), `madds_ratio` the plain multi-adds over the budget.
    """

    betas: tuple[float, ...]
    alphas: tuple[float, ...]
    widths: tuple[int, ...]
    madds: int
    params: int
    madds_ratio: float

    def to_dict(self) -> dict[str, Any]:
        """The candidate as plain JSON values."""
        return asdict(self)


def block_madds(architecture: Architecture) -> tuple[float, ...]:
    """F_i of Equation 2, the approximate multi-adds of each block: H W c^2 2 r, for all its repeats."""
    return tuple(
        (architecture.input_px / 2**block.level) ** 2 * width**2 * 2 * EXPANSION * repeats
        for block, width, repeats in zip(BLOCKS, architecture.widths, architecture.repeats, strict=True)
    )


def allocate(betas: Sequence[float], madds: Sequence[float], target_madds: float) -> tuple[float, ...]:
    """alpha_i of Equation 4: multipliers in the ratio of `betas` that spend `target_madds` over the blocks.

    Vectors of betas in the same ratio give the same alphas, to the last bit. Raises InvalidValueError unless every
    beta is a positive number.
    """
    if len(betas) != len(madds):
        raise InvalidValueError(
            f"{len(betas)} betas given; there must be {len(madds)}, one for each block", field="betas"
        )
    for index, beta in enumerate(betas):
        if not (isinstance(beta, (int, float)) and math.isfinite(beta) and beta > 0):
            raise InvalidValueError(f"betas[{index}] is {beta!r}; it must be a positive number", field="betas")
    largest = max(betas)
    shares = [beta / largest for beta in betas]
    scalar = target_madds / math.fsum(share * cost for share, cost in zip(shares, madds, strict=True))
    return tuple(scalar * share for share in shares)


class SearchSpace:
    """All resource distributions over the blocks of one base architecture under one multi-adds budget.

    `mode` "paper" is Equations 2 to 4 in one pass, which rounding takes up to some 20 % away from the budget;
    "exact" corrects the common scalar, and then single blocks by one rounding step, by the exact cost of the rounded
    network. The budget is in plain multi-adds of the whole detector and defaults to the base's own.

    Raises InvalidValueError for an unknown base or mode, BudgetError for a budget that no widths can meet.
    """

    choices: tuple[int, ...] = CHOICES

    def __init__(self, base: str = DEFAULT_BASE, budget_madds: int | None = None, mode: Mode = "exact") -> None:
        if base not in BASES:
            raise InvalidValueError(
                f"base is {base!r}; it must be one of {', '.join(BASES)}", field="search_space.base"
            )
        if mode not in get_args(Mode):
            raise InvalidValueError(f"mode is {mode!r}; it must be exact or paper", field="search_space.mode")
        self.mode: Mode = mode
        self.base_name = base
        self.base = BASES[base]
        self._cost = QuadraticCost(self.base)
        base_madds = self._cost.counts(self.base.widths).madds
        self.budget_madds = self._checked_budget(base_madds if budget_madds is None else budget_madds)
        self._block_madds = block_madds(self.base)
        fixed = self._cost.fixed_madds
        self._target_madds = sum(self._block_madds) * (self.budget_madds - fixed) / (base_madds - fixed)
        self.baseline = self._baseline(budget_madds is None or self.budget_madds == base_madds)

    @property
    def num_blocks(self) -> int:
        """Blocks that take a multiplier."""
        return NUM_BLOCKS

    def feasible_madds(self) -> tuple[int, int]:
        """The smallest and largest budget that can be met: all blocks at the least and at the greatest width."""
        least, most = ([width] * NUM_BLOCKS for width in (DIVISOR, MAX_WIDTH))
        low = self._cost.counts(least).madds
        return math.ceil(low / (1 - BUDGET_TOLERANCE)), self._cost.counts(most).madds

    def candidate(self, betas: Sequence[float]) -> Candidate:
        """The architecture that these 18 multipliers stand for.

        Raises InvalidValueError for betas that are not 18 positive numbers, BudgetError where mode `exact` cannot
        bring these betas within 1 % of the budget.
        """
        alphas = allocate(betas, self._block_madds, self._target_madds)
        widths = self._widths(alphas, 1.0)
        if self.mode == "exact":
            scalar, widths = self._correct(alphas)
            alphas = tuple(scalar * alpha for alpha in alphas)
        return self._priced(tuple(betas), alphas, widths)

    def architecture(self, widths: Sequence[int], name: str = "candidate") -> Architecture:
        """The base architecture with these widths."""
        return replace(self.base, widths=tuple(widths), name=name)

    def to_dict(self) -> dict[str, Any]:
        """The arguments that make this space again."""
        return {"base": self.base_name, "budget_madds": self.budget_madds, "mode": self.mode}

    def _checked_budget(self, budget_madds: int) -> int:
        if not isinstance(budget_madds, int) or isinstance(budget_madds, bool):
            raise BudgetError(
                f"budget_madds is {budget_madds!r}; it must be a whole number",
                field="search_space.budget_madds",
            )
        low, high = self.feasible_madds()
        if not low <= budget_madds <= high:
            raise BudgetError(
                f"budget_madds is {budget_madds:,}; no widths of {self.base_name} at {self.base.input_px} px meet it. "
                f"Feasible are {low:,} to {high:,} multi-adds",
                field="search_space.budget_madds",
            )
        return budget_madds

    def _baseline(self, base_is_on_budget: bool) -> Candidate:
        """The uniform distribution: the base itself where it meets the budget, else the base scaled as a whole."""
        if not base_is_on_budget:
            return self.candidate((1,) * NUM_BLOCKS)
        return self._priced((1,) * NUM_BLOCKS, (1.0,) * NUM_BLOCKS, self.base.widths)

    def _priced(self, betas: tuple[float, ...], alphas: tuple[float, ...], widths: tuple[int, ...]) -> Candidate:
        counts = self._cost.counts(widths)
        return Candidate(betas, alphas, widths, counts.madds, counts.params, counts.madds / self.budget_madds)

    def _widths(self, alphas: Sequence[float], scalar: float) -> tuple[int, ...]:
        """c_i times sqrt(alpha_i), rounded (the line after Equation 4)."""
        return tuple(
            min(round_width(width * math.sqrt(scalar * alpha)), MAX_WIDTH)
            for width, alpha in zip(self.base.widths, alphas, strict=True)
        )

    def _correct(self, alphas: tuple[float, ...]) -> tuple[float, tuple[int, ...]]:
        """The scalar and widths nearest to the budget by the exact cost of the rounded network."""
        low, high = self._bracket(alphas)
        for _ in range(_BISECTIONS):
            middle = math.sqrt(low * high)
            if self._excess(self._widths(alphas, middle)) < 0:
                low = middle
            else:
                high = middle
        scalar, widths = min(
            ((scalar, self._widths(alphas, scalar)) for scalar in (low, high)),
            key=lambda pair: abs(self._excess(pair[1])),
        )
        for _ in range(_CORRECTION_STEPS):
            widths = min([widths, *_neighbours(widths)], key=lambda w: abs(self._excess(w)))
        if abs(self._excess(widths)) > BUDGET_TOLERANCE * self.budget_madds:
            nearest = self._cost.counts(widths).madds
            raise BudgetError(
                f"budget_madds is {self.budget_madds:,}; the nearest that these betas come to it is {nearest:,} "
                "multi-adds, more than 1 % away, since widths are multiples of "
                f"{DIVISOR}: give a larger budget or use mode paper",
                field="search_space.budget_madds",
            )
        return scalar, widths

    def _bracket(self, alphas: tuple[float, ...]) -> tuple[float, float]:
        """Scalars whose widths lie below and at or above the budget; the budget was checked, so both exist."""
        low, high = 0.5, 2.0
        while self._excess(self._widths(alphas, low)) >= 0 and low > 1e-12:
            low /= 4
        while self._excess(self._widths(alphas, high)) < 0 and high < 1e12:
            high *= 4
        return low, high

    def _excess(self, widths: Sequence[int]) -> int:
        return self._cost.counts(widths).madds - self.budget_madds


def _neighbours(widths: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """The same widths with one block a rounding step up or down."""
    for index, width in enumerate(widths):
        for step in (DIVISOR, -DIVISOR):
            if DIVISOR <= width + step <= MAX_WIDTH:
                yield (*widths[:index], width + step, *widths[index + 1 :])
