"""The search space: multipliers of the blocks, and the widths on budget that they give (section 3.3)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

import numpy as np

from search_space.allocation import allocate, block_madds
from search_space.architecture import MAX_WIDTH, Architecture
from search_space.bases import base_identity, checked_base
from search_space.errors import BudgetError
from search_space.fitting import BUDGET_TOLERANCE, BudgetFitter, Fit, FloatArray
from search_space.published import DEFAULT_BASE
from search_space.quadratic_cost import quadratic_cost
from search_space.rounding import DIVISOR, MAX_DIVISOR, round_widths
from search_space.space_checks import (
    ALL_BLOCKS,
    check_whole,
    checked_blocks,
    checked_choices,
    infeasible,
    invalid_argument,
)
from search_space.topology import BLOCKS, NUM_BLOCKS

CHOICES: tuple[float, ...] = (1, 5, 10, 15, 20)
"""The multipliers beta of a block (section 5.1.1, search details)."""

Mode = Literal["exact", "paper"]
Widths = tuple[int, ...]
"""The channels of the 18 blocks."""

_TILTS = np.linspace(0.0, 2.0, 17)
_TILT_BISECTIONS = 6


@dataclass(frozen=True)
class Candidate:
    """An architecture of the search space, from the multipliers to its cost.

    `betas` are the sampled multipliers of the searched blocks, `alphas` their shares by Equation 4, `widths` the
    rounded channels of all 18 blocks, which identify the architecture, `madds_ratio` the plain multi-adds over the
    budget.
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


class SearchSpace:
    """All resource distributions over blocks of one base architecture (or published name) under a multi-adds budget.

    `choices` are the multipliers of a block, and `searched_blocks` the blocks that have one; the others have the
    widths of the base. The budget is in plain multi-adds of the whole detector, by default those of the base. Widths
    are multiples of `width_divisor`. `mode` "paper" applies Equations 2 to 4 once; rounding then changes the cost by up
    to about 20 %. Mode "exact" finds widths in the same proportions that meet the budget (`search_space.fitting`).

    Mode "exact" supports two caps. `max_block_width` is the largest width of every searched block, or of those that it
    names. `max_params` is the largest number of trainable parameters: where the multipliers give more, as little
    computation as necessary is moved from coarse to fine levels, which need fewer parameters for it.

    A search space is immutable, so threads and campaigns can share it. Raises InvalidValueError for an invalid
    argument, and BudgetError with the feasible range for a budget or a cap that no widths meet.
    """

    def __init__(
        self,
        base: str | Architecture = DEFAULT_BASE,
        budget_madds: int | None = None,
        mode: Mode = "exact",
        *,
        choices: Sequence[float] = CHOICES,
        searched_blocks: Sequence[int] | None = None,
        max_params: int | None = None,
        max_block_width: int | Mapping[int, int] | None = None,
        width_divisor: int = DIVISOR,
    ) -> None:
        self.base = checked_base(base)
        if mode not in get_args(Mode):
            raise invalid_argument("mode", mode, "exact or paper")
        self.mode: Mode = mode
        self.choices = checked_choices(choices)
        self.searched_blocks = checked_blocks(ALL_BLOCKS if searched_blocks is None else searched_blocks)
        check_whole("width_divisor", width_divisor, 1, MAX_DIVISOR)
        self._divisor = width_divisor
        if mode == "paper":
            for name, value in (("max_params", max_params), ("max_block_width", max_block_width)):
                if value is not None:
                    raise invalid_argument(name, value, "left out in mode paper, which has no caps; use mode exact")

        self._searched = np.array(self.searched_blocks) - 1
        self._base_widths = np.array(self.base.widths, dtype=np.int64)
        self._largest = self._largest_widths(max_block_width)
        self._cost = quadratic_cost(self.base)
        base_madds = self._cost.counts(self.base.widths).madds
        self.budget_madds = self._checked_budget(base_madds if budget_madds is None else budget_madds)

        all_block_madds = block_madds(self.base)
        self._block_madds = tuple(all_block_madds[index] for index in self._searched)
        fixed, smallest = self._madds_with(0), self._madds_with(self._divisor)
        # Only mode "exact" has a budget that the fixed blocks alone reach, and its widths need the proportions only.
        of_searched = (self.budget_madds if self.budget_madds > fixed else smallest) - fixed
        self._target_madds = math.fsum(self._block_madds) * of_searched / (base_madds - fixed)
        is_searched = np.isin(np.arange(NUM_BLOCKS), self._searched)
        self._fitter = BudgetFitter(
            self._cost, self.budget_madds, self._base_widths, is_searched, self._largest, width_divisor
        )
        self.max_params: int | None = None
        if max_params is not None:
            self._cap_params(max_params)
        self.baseline = self._baseline()

    def identity(self) -> dict[str, Any]:
        """Everything that the candidates depend on, as plain JSON values."""
        return {
            "base": base_identity(self.base), "budget_madds": self.budget_madds, "mode": self.mode,
            "choices": list(self.choices), "searched_blocks": list(self.searched_blocks), "max_params": self.max_params,
            "largest_widths": self._largest.tolist(), "width_divisor": self._divisor,
        }  # fmt: skip

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SearchSpace) and self.identity() == other.identity()

    def __hash__(self) -> int:
        return hash((self.budget_madds, self.mode))

    @property
    def num_blocks(self) -> int:
        """The number of blocks that take a multiplier."""
        return len(self.searched_blocks)

    def feasible_madds(self) -> tuple[int, int]:
        """The smallest and largest feasible budget: all searched blocks at their smallest and largest width.

        In mode `paper` the smallest exceeds the cost of the fixed blocks: Equation 3 distributes the rest.
        """
        low, high = self._madds_with(self._divisor), self._madds_with(self._largest[self._searched])
        smallest, largest = math.ceil(low / (1 + BUDGET_TOLERANCE)), math.floor(high / (1 - BUDGET_TOLERANCE))
        return smallest if self.mode == "exact" else max(smallest, self._madds_with(0) + 1), largest

    def feasible_params(self) -> tuple[int, int]:
        """The fewest and most parameters of uniform multipliers on this budget, over all tilts.

        For mode `exact`; the first is the smallest feasible cap.
        """
        found = [fit.params for tilt in (*-_TILTS, *_TILTS) if (fit := self._fit(self._uniform, tilt)) is not None]
        return min(found), max(found)

    def candidate(self, betas: Sequence[float]) -> Candidate:
        """The architecture of these multipliers, one for each searched block.

        Raises InvalidValueError unless there is one positive number per searched block, and BudgetError where mode
        `exact` finds no widths within 1 % of the budget and under the caps.
        """
        alphas = allocate(betas, self._block_madds, self._target_madds)
        unrounded = self._base_widths[self._searched] * np.sqrt(alphas)
        if self.mode == "paper":
            widths = self._base_widths.copy()
            widths[self._searched] = np.minimum(round_widths(unrounded, self._divisor), MAX_WIDTH)
            return self._with_cost(betas, alphas, widths.tolist())
        fit, tilt = self._fit_under_the_cap(unrounded)
        shares = np.asarray(alphas) * (self._tilted(tilt) * fit.multiplier) ** 2
        return self._with_cost(betas, shares.tolist(), fit.widths.tolist())

    def random_candidates(self, draws: int, seed: int) -> list[Candidate]:
        """`draws` samples of uniformly random multipliers, without those that do not meet the budget."""
        random = np.random.default_rng(seed)
        candidates = []
        for betas in random.choice(self.choices, (draws, self.num_blocks)):
            with suppress(BudgetError):
                candidates.append(self.candidate(betas.tolist()))
        return candidates

    def architecture(self, widths: Sequence[int], name: str = "candidate") -> Architecture:
        """The base architecture with these widths."""
        return replace(self.base, widths=tuple(widths), name=name)

    def _checked_budget(self, budget_madds: int) -> int:
        if not isinstance(budget_madds, int) or isinstance(budget_madds, bool):
            wanted = f"budget_madds is {budget_madds!r}; it must be a whole number"
            raise BudgetError(wanted, field="search_space.budget_madds")
        low, high = self.feasible_madds()
        if not low <= budget_madds <= high:
            network = f"{self.base.name} at {self.base.input_px} px"
            raise infeasible("budget_madds", budget_madds, network, (low, high), "multi-adds")
        return budget_madds

    def _largest_widths(self, max_block_width: int | Mapping[int, int] | None) -> np.ndarray:
        """The largest width that each of the 18 blocks may have, a multiple of the divisor."""
        if not isinstance(max_block_width, Mapping):
            max_block_width = {} if max_block_width is None else dict.fromkeys(self.searched_blocks, max_block_width)
        largest = np.full(NUM_BLOCKS, MAX_WIDTH, dtype=np.int64)
        for block, width in max_block_width.items():
            if block not in self.searched_blocks:
                raise invalid_argument("max_block_width", block, "blocks that are searched", what="names block")
            check_whole("max_block_width", width, self._divisor, MAX_WIDTH)
            largest[block - 1] = width
        return largest // self._divisor * self._divisor

    def _madds_with(self, searched_widths: int | np.ndarray) -> int:
        """Multi-adds of the network with these widths of the searched blocks; 0 leaves out their part."""
        widths = self._base_widths.copy()
        widths[self._searched] = searched_widths
        return self._cost.counts(widths.tolist()).madds

    def _cap_params(self, max_params: int) -> None:
        check_whole("max_params", max_params, 1, 2**53)
        low, high = self.feasible_params()
        if max_params < low:
            of = f"{self.base.name} on the budget of {self.budget_madds:,} multi-adds"
            raise infeasible("max_params", max_params, of, (low, high), "parameters")
        self.max_params = max_params

    def _baseline(self) -> Candidate:
        """The uniform distribution: the base where the space contains it, else the base scaled as a whole."""
        counts = self._cost.counts(self.base.widths)
        searched = self._base_widths[self._searched]
        is_in_space = (
            counts.madds == self.budget_madds
            and (self.max_params is None or counts.params <= self.max_params)
            and bool(np.all((searched <= self._largest[self._searched]) & (searched % self._divisor == 0)))
        )
        uniform, alphas = (1,) * self.num_blocks, (1.0,) * self.num_blocks
        return self._with_cost(uniform, alphas, self.base.widths) if is_in_space else self.candidate(uniform)

    def _with_cost(self, betas: Sequence[float], alphas: Sequence[float], widths: Sequence[int]) -> Candidate:
        madds, params = self._cost.counts(widths)
        return Candidate(tuple(betas), tuple(alphas), tuple(widths), madds, params, madds / self.budget_madds)

    @property
    def _uniform(self) -> FloatArray:
        """Unrounded widths of the uniform distribution."""
        return np.asarray(self._base_widths[self._searched], dtype=np.float64)

    def _fit_under_the_cap(self, unrounded: FloatArray) -> tuple[Fit, float]:
        """The widths on budget under the parameter cap, with the smallest tilt of these proportions, and that tilt."""
        low, fit = 0.0, self._fit(unrounded, 0.0)
        if fit is None:
            raise self._budget_error(unrounded)
        if self._is_under_the_cap(fit):
            return fit, low
        for high in _TILTS[1:].tolist():
            tilted = self._fit(unrounded, high)
            if tilted is not None and self._is_under_the_cap(tilted):
                break
            low = high
        else:
            raise BudgetError(
                f"max_params is {self.max_params:,}; these betas come to {fit.params:,} parameters on the budget, and "
                "moving computation to finer levels does not bring them under it",
                field="search_space.max_params",
            )
        fit = tilted
        for _ in range(_TILT_BISECTIONS):
            middle = (low + high) / 2
            tilted = self._fit(unrounded, middle)
            if tilted is not None and self._is_under_the_cap(tilted):
                high, fit = middle, tilted
            else:
                low = middle
        return fit, high

    def _fit(self, unrounded: FloatArray, tilt: float) -> Fit | None:
        """The widths nearest to the budget after a tilt; None where they do not meet it."""
        fit = self._fitter.fit(unrounded * self._tilted(tilt))
        return fit if self._fitter.is_within_tolerance(fit.madds) else None

    def _tilted(self, tilt: float) -> FloatArray:
        """The factor of a tilt for each searched block's width: it scales the multi-adds by positions^tilt.

        The parameters of a block are its multi-adds over the positions of its level. So a tilt moves computation to
        levels where it takes fewer parameters, and preserves the proportions of blocks of one level.
        """
        levels = np.array([BLOCKS[index].level for index in self._searched])
        return np.asarray(2.0 ** (-tilt * (levels - levels.min())))

    def _is_under_the_cap(self, fit: Fit) -> bool:
        return self.max_params is None or fit.params <= self.max_params

    def _budget_error(self, unrounded: FloatArray) -> BudgetError:
        nearest = self._fitter.fit(unrounded).madds
        return BudgetError(
            f"budget_madds is {self.budget_madds:,}; the nearest that these betas come to it is {nearest:,} "
            f"multi-adds, more than 1 % away, because widths are multiples of {self._divisor}; use a larger budget or "
            "mode paper",
            field="search_space.budget_madds",
        )
