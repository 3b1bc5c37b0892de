"""The protocol of all search algorithms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from nas_controller.search.controller.proposal import Proposal


class Searcher(Protocol):
    """Proposes one of `choices` for each block, and learns from rewards, in whatever order they come.

    A searcher has no clock, no database and no random state: a proposal is a function of the seed, the trial's number,
    the draw, the exploration and the rewards so far, and `state()` is all that it has learned.
    """

    @property
    def choices(self) -> tuple[float, ...]:
        """The multipliers that a block can take."""
        ...

    @property
    def told(self) -> int:
        """The number of proposals whose reward it has learned from."""
        ...

    def ask(self, number: int, draw: int = 0, exploration: float = 0.0) -> Proposal:
        """The proposal for trial `number`; a different `draw` gives another one. Changes nothing.

        Each block's choice is uniformly random with the probability `exploration`.
        """
        ...

    def start_baseline(self, reward: float) -> None:
        """Takes over the reward of the uniform baseline, which no searcher proposes."""
        ...

    def tell(self, choices: Sequence[int], log_probability: float | None, reward: float) -> None:
        """Learns from the reward of a proposal, given its `choices` and `log_probability`.

        Raises ValueError for a reward that is not finite.
        """
        ...

    def copy(self) -> Searcher:
        """An independent searcher in the same state."""
        ...

    def policy_marginals(self) -> list[list[float]]:
        """How often it would propose each choice of each block [blocks][choices]; sums to 1 over the choices."""
        ...

    def state(self) -> dict[str, Any]:
        """The state as JSON values; `restore_searcher` restores it exactly."""
        ...
