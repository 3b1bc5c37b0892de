"""Mode `exact`: rounded widths that meet a multi-adds budget by their exact cost, after Equations 2 to 4."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from search_space.quadratic_cost import QuadraticCost
from search_space.rounding import round_widths

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

BUDGET_TOLERANCE = 0.01
"""The largest relative distance of an architecture of mode `exact` from the budget."""

_COARSE: FloatArray = np.ldexp(1.0, np.arange(-16, 17))
_FINE: FloatArray = np.linspace(0.0, 1.0, 33)
_FINE_ROUNDS = 3
_FURTHER: FloatArray = np.linspace(0.7, 1.4, 36)
_CORRECTIONS = 4
_NEAR_ENOUGH = 0.001


@dataclass(frozen=True)
class Fit:
    """Widths of the 18 blocks, the common multiplier of the unrounded widths, and the cost of the result."""

    widths: IntArray
    multiplier: float
    madds: int
    params: int


class BudgetFitter:
    """Finds the widths nearest to a multi-adds budget by the exact cost of the rounded network.

    Widths are those of `base_widths` where `is_searched` is false, else multiples of `divisor` up to `largest`. Every
    searched width is one of the two multiples around its unrounded value (or the smallest, or its largest allowed
    width), so that no correction changes the order of two blocks' shares by more than a rounding step.
    """

    def __init__(
        self,
        cost: QuadraticCost,
        budget_madds: int,
        base_widths: IntArray,
        is_searched: npt.NDArray[np.bool_],
        largest: IntArray,
        divisor: int,
    ) -> None:
        self._cost = cost
        self._budget = budget_madds
        self._base_widths = base_widths
        self._searched = np.flatnonzero(is_searched)
        self._largest = largest[self._searched]
        self._divisor = divisor
        count = len(self._searched)
        pairs = [(i, j) for i in range(count) for j in range(i, count)]
        self._flips = np.zeros((len(pairs), count), dtype=np.bool_)
        for row, pair in enumerate(pairs):
            self._flips[row, list(pair)] = True

    def fit(self, unrounded: FloatArray) -> Fit:
        """The widths nearest to the budget, in the proportions of `unrounded` (of the searched blocks).

        First it finds the common multiplier at which the rounded network crosses the budget. Then it rounds single
        blocks or pairs the other way, and repeats this a few times if the result is not near enough. If the rounding
        step of one block alone exceeds the tolerance, it tries multipliers further away in the same way.
        """
        low, high = self._bracket(unrounded)
        best = min((self._corrected(unrounded, multiplier) for multiplier in (low, high)), key=self._distance)
        if self.is_within_tolerance(best.madds):
            return best
        further = (self._corrected(unrounded, high * factor) for factor in _FURTHER)
        return min((best, *further), key=self._distance)

    def is_within_tolerance(self, madds: int) -> bool:
        """Whether these multi-adds meet the budget to within the tolerance."""
        return abs(madds - self._budget) <= BUDGET_TOLERANCE * self._budget

    def _distance(self, fit: Fit) -> int:
        return abs(fit.madds - self._budget)

    def _bracket(self, unrounded: FloatArray) -> tuple[float, float]:
        """Two close multipliers, between which the rounded network reaches the budget.

        They are computed by products and sums only, so they are the same numbers on every machine.
        """
        multipliers: FloatArray = _COARSE
        for _ in range(_FINE_ROUNDS):
            low, high = self._crossing(unrounded, multipliers)
            multipliers = np.asarray(low + (high - low) * _FINE, dtype=np.float64)
        return self._crossing(unrounded, multipliers)

    def _crossing(self, unrounded: FloatArray, multipliers: FloatArray) -> tuple[float, float]:
        """The neighbours in `multipliers` between which the budget is reached, or the last two."""
        widths = self._rounded(multipliers[:, None] * unrounded)
        reached = self._madds(widths) >= self._budget
        first = int(np.argmax(reached)) if reached.any() else len(multipliers) - 1
        return float(multipliers[max(first - 1, 0)]), float(multipliers[first])

    def _corrected(self, proportions: FloatArray, multiplier: float) -> Fit:
        """The rounded widths at a multiplier, corrected to be nearest to the budget."""
        unrounded = multiplier * proportions
        below = np.maximum(np.floor(unrounded / self._divisor), 1).astype(np.int64) * self._divisor
        above = np.maximum(np.ceil(unrounded / self._divisor), 1).astype(np.int64) * self._divisor
        below, above = (np.minimum(side, self._largest) for side in (below, above))
        widths = self._rounded(unrounded)
        for _ in range(_CORRECTIONS):
            other = np.where(widths == below, above, below)
            options = np.concatenate([widths[None], np.where(self._flips, other, widths)])
            counts = self._cost.counts_of_many(self._all_widths(options))
            best = int(np.argmin(np.abs(counts[:, 0] - self._budget)))
            widths, (madds, params) = options[best], counts[best].tolist()
            if best == 0 or abs(madds - self._budget) <= _NEAR_ENOUGH * self._budget:
                break
        return Fit(self._all_widths(widths[None])[0], multiplier, madds, params)

    def _rounded(self, unrounded: FloatArray) -> IntArray:
        return np.minimum(round_widths(np.minimum(unrounded, self._largest), self._divisor), self._largest)

    def _madds(self, widths: IntArray) -> IntArray:
        return self._cost.counts_of_many(self._all_widths(widths))[:, 0]

    def _all_widths(self, widths: IntArray) -> IntArray:
        """Width vectors of all 18 blocks from those of the searched blocks."""
        all_widths = np.tile(self._base_widths, (len(widths), 1))
        all_widths[:, self._searched] = widths
        return all_widths
