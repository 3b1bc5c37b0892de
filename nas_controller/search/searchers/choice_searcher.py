"""What the searchers without a policy of their own have in common: their space, their count of rewards, their state."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from nas_controller.search.controller.proposal import Proposal
from nas_controller.search.searchers.choice_space import Choices, ChoiceSpace

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

STATE_VERSION = 1


class ChoiceSearcher(ABC):
    """A searcher that learns by replacing its attributes and never changes a value: a shallow copy is independent.

    A subclass proposes choices (`_proposed`), learns from them (`_learn`), and reads and restores what it has learned
    (`_learned`, `_restore`).
    """

    algorithm: ClassVar[str]

    def __init__(self, settings: DataclassInstance, space: ChoiceSpace) -> None:
        self._settings = settings
        self._space = space
        self._told = 0

    @property
    def choices(self) -> tuple[float, ...]:
        """The multipliers that a block can take."""
        return self._space.choices

    @property
    def told(self) -> int:
        """The number of proposals whose reward it has learned from."""
        return self._told

    def ask(self, number: int, draw: int = 0, exploration: float = 0.0) -> Proposal:
        """The proposal for trial `number`. Changes nothing: the same arguments and state give the same proposal."""
        rng = self._space.rng(number, draw)
        choices = self._space.explored(self._proposed(rng), exploration, rng)
        betas = tuple(self.choices[index] for index in choices)
        return Proposal(number, draw, choices, betas, None)

    def start_baseline(self, reward: float) -> None:  # noqa: B027 (most learn nothing from it)
        """Takes over the reward of the uniform baseline, which no searcher proposes."""

    def tell(self, choices: Sequence[int], log_probability: float | None, reward: float) -> None:
        """Learns from the reward of a proposal. Raises ValueError for a reward that is not finite."""
        if not math.isfinite(reward):
            raise ValueError(f"the reward {reward} is not a finite number")
        self._learn(tuple(choices), reward)
        self._told += 1

    def copy(self) -> Self:
        """An independent searcher in the same state."""
        return copy(self)

    def policy_marginals(self) -> list[list[float]]:
        """How often it would propose each choice of each block [blocks][choices]; sums to 1 over the choices."""
        return self._space.uniform_marginals()

    def state(self) -> dict[str, Any]:
        """The state as JSON values; `restored` restores it exactly."""
        return {
            "version": STATE_VERSION,
            "algorithm": self.algorithm,
            "settings": asdict(self._settings),
            "blocks": self._space.blocks,
            "choices": list(self.choices),
            "seed": self._space.seed,
            "told": self._told,
            **self._learned(),
        }

    def restored(self, state: Mapping[str, Any]) -> Self:
        """A copy in a state of `state()`. Raises ValueError for a state of another version."""
        if state["version"] != STATE_VERSION:
            raise ValueError(f"the state of {self.algorithm} has version {state['version']}; this is {STATE_VERSION}")
        other = self.copy()
        other._told = state["told"]
        other._restore(state)
        return other

    @abstractmethod
    def _proposed(self, rng: np.random.Generator) -> Choices:
        """The choices of a proposal with these random numbers."""

    @abstractmethod
    def _learn(self, choices: Choices, reward: float) -> None:
        """Learns from the reward of these choices."""

    @abstractmethod
    def _learned(self) -> dict[str, Any]:
        """What it has learned, as JSON values under keys of its own."""

    @abstractmethod
    def _restore(self, state: Mapping[str, Any]) -> None:
        """Takes over what `_learned` returned."""
