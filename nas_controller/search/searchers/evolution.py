"""Regularised evolution (Real et al., "Regularized Evolution for Image Classifier Architecture Search", 2019,
algorithm 1): a tournament chooses a parent from the population, the child is one mutation away, and the oldest dies.

The population consists of the architectures whose rewards came last, so parallel trials need no generations, as in the
paper's distributed runs. Until it is full, proposals are random.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nas_controller.search.searchers.choice_searcher import ChoiceSearcher
from nas_controller.search.searchers.choice_space import Choices, ChoiceSpace


@dataclass(frozen=True)
class EvolutionSettings:
    """The sizes of the population and of the tournament, P and S of the paper."""

    population: int
    tournament: int


class Evolution(ChoiceSearcher):
    """A population of choices with their rewards, oldest first."""

    algorithm = "evolution"

    def __init__(self, settings: EvolutionSettings, space: ChoiceSpace) -> None:
        super().__init__(settings, space)
        self._size, self._tournament = settings.population, settings.tournament
        self._population: tuple[tuple[Choices, float], ...] = ()

    def policy_marginals(self) -> list[list[float]]:
        """Those of a mutation of a member, all equally likely: the tournament is left out."""
        if not self._is_full:
            return self._space.uniform_marginals()
        return self._space.mutation_marginals([choices for choices, _ in self._population])

    @property
    def _is_full(self) -> bool:
        return len(self._population) >= self._size

    def _proposed(self, rng: np.random.Generator) -> Choices:
        """A mutation of the best of `tournament` members that are drawn with replacement."""
        if not self._is_full:
            return self._space.random(rng)
        drawn = rng.integers(len(self._population), size=self._tournament)
        parent, _ = max((self._population[index] for index in drawn), key=lambda member: member[1])
        return self._space.mutated(parent, rng)

    def _learn(self, choices: Choices, reward: float) -> None:
        """Adds a member; the oldest one leaves a full population."""
        self._population = (*self._population, (choices, reward))[-self._size :]

    def _learned(self) -> dict[str, Any]:
        return {"population": [[list(choices), reward] for choices, reward in self._population]}

    def _restore(self, state: Mapping[str, Any]) -> None:
        self._population = tuple((tuple(choices), reward) for choices, reward in state["population"])
