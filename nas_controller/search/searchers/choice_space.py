"""What searchers without a policy propose from: the choices of the blocks, random ones, and changes of a few blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Choices = tuple[int, ...]

_PROPOSALS = 1  # the stream of random numbers, that of `nas_controller.search.controller`


@dataclass(frozen=True)
class ChoiceSpace:
    """`blocks` blocks, each with one of the multipliers `choices`; `seed` determines all random numbers."""

    blocks: int
    choices: tuple[float, ...]
    seed: int

    def rng(self, number: int, draw: int) -> np.random.Generator:
        """The random numbers of a proposal."""
        return np.random.default_rng([self.seed, _PROPOSALS, number, draw])

    def random(self, rng: np.random.Generator) -> Choices:
        """Uniformly random choices."""
        return tuple(rng.integers(len(self.choices), size=self.blocks).tolist())

    def mutated(self, parent: Choices, rng: np.random.Generator) -> Choices:
        """The parent with another choice of one block, both uniformly random."""
        block = int(rng.integers(self.blocks))
        step = 1 + int(rng.integers(len(self.choices) - 1))
        return (*parent[:block], (parent[block] + step) % len(self.choices), *parent[block + 1 :])

    def explored(self, choices: Choices, exploration: float, rng: np.random.Generator) -> Choices:
        """The choices, each replaced by a uniformly random one with the probability `exploration`."""
        if exploration == 0.0:
            return choices
        replaced = rng.random(self.blocks) < exploration
        return tuple(np.where(replaced, self.random(rng), choices).tolist())

    def uniform_marginals(self) -> list[list[float]]:
        """Equal probabilities of all choices [blocks][choices]."""
        return [[1.0 / len(self.choices)] * len(self.choices)] * self.blocks

    def mutation_marginals(self, parents: Sequence[Choices]) -> list[list[float]]:
        """The probability [blocks][choices] of each choice after one mutation of a parent, all equally likely."""
        changed = 1.0 / self.blocks
        others = changed / (len(self.choices) - 1)
        counts = np.stack([np.bincount(column, minlength=len(self.choices)) for column in np.transpose(parents)])
        shares = counts / len(parents)
        return [[float(value) for value in row] for row in shares * (1.0 - changed) + (1.0 - shares) * others]
