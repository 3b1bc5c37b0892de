"""Stochastic local search from the best architecture so far (White et al., "Exploring the Loss Landscape in Neural
Architecture Search", 2021, without their sweep over the whole neighbourhood): a neighbour differs in one block, and one
that is no worse becomes the next centre.

Where neighbours are known, exploration widens the neighbourhood (`nas_controller.search.proposals`), so the search
leaves a local optimum without a restart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nas_controller.search.searchers.choice_searcher import ChoiceSearcher
from nas_controller.search.searchers.choice_space import Choices, ChoiceSpace


@dataclass(frozen=True)
class LocalSearchSettings:
    """`initial` is how many rewards of random architectures come before the first neighbour."""

    initial: int


class LocalSearch(ChoiceSearcher):
    """The centre of the search and its reward; the first is the uniform baseline."""

    algorithm = "local-search"

    def __init__(self, settings: LocalSearchSettings, space: ChoiceSpace) -> None:
        super().__init__(settings, space)
        self._initial = settings.initial
        self._centre: Choices = (0,) * space.blocks
        self._reward: float | None = None

    def start_baseline(self, reward: float) -> None:
        """Takes over the reward of the first centre, unless another reward has come before."""
        if self._reward is None:
            self._reward = reward

    def policy_marginals(self) -> list[list[float]]:
        """Those of a neighbour of the centre."""
        if self._told < self._initial:
            return self._space.uniform_marginals()
        return self._space.mutation_marginals([self._centre])

    def _proposed(self, rng: np.random.Generator) -> Choices:
        return self._space.random(rng) if self._told < self._initial else self._space.mutated(self._centre, rng)

    def _learn(self, choices: Choices, reward: float) -> None:
        """Moves to an architecture that is no worse than the centre."""
        if self._reward is None or reward >= self._reward:
            self._centre, self._reward = choices, reward

    def _learned(self) -> dict[str, Any]:
        return {"centre": list(self._centre), "reward": self._reward}

    def _restore(self, state: Mapping[str, Any]) -> None:
        self._centre, self._reward = tuple(state["centre"]), state["reward"]
