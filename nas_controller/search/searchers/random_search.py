"""Random search: every proposal is uniformly random, whatever the rewards. The reference for the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nas_controller.search.searchers.choice_searcher import ChoiceSearcher
from nas_controller.search.searchers.choice_space import Choices


@dataclass(frozen=True)
class RandomSettings:
    """Random search has no settings."""


class RandomSearch(ChoiceSearcher):
    """Uniformly random choices of every block."""

    algorithm = "random"

    def _proposed(self, rng: np.random.Generator) -> Choices:
        return self._space.random(rng)

    def _learn(self, choices: Choices, reward: float) -> None:
        pass

    def _learned(self) -> dict[str, Any]:
        return {}

    def _restore(self, state: Mapping[str, Any]) -> None:
        pass
