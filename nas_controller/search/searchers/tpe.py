"""Optuna's tree-structured Parzen estimator (Bergstra et al., "Algorithms for Hyper-Parameter Optimization", 2011):
candidates are drawn from a density of the best architectures, and the one is proposed that this density prefers most
over that of the others.

The density is of all blocks together (`multivariate`), over the choices in the order of their multipliers. Optuna's
sampler is made anew for every proposal, from random numbers of the proposal alone, so it has no state of its own. Its
time grows with the rewards that it is given: of these, the best and the latest are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from nas_controller.search.searchers.choice_searcher import ChoiceSearcher
from nas_controller.search.searchers.choice_space import Choices, ChoiceSpace

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study

GOOD_SHARE, MOST_GOOD = 0.1, 25
"""Of the rewards that the density of the best is made of: Optuna's default."""
CANDIDATES = 24
"""That are drawn for a proposal: Optuna's default."""

Rewarded = tuple[Choices, float]


@dataclass(frozen=True)
class TpeSettings:
    """`startup_trials` is how many rewards of random architectures come first, `window_trials` how many are kept."""

    startup_trials: int
    window_trials: int


class Tpe(ChoiceSearcher):
    """Choices with their rewards in the order in which they came: the best and the latest, `window_trials` in all."""

    algorithm = "tpe"

    def __init__(self, settings: TpeSettings, space: ChoiceSpace) -> None:
        super().__init__(settings, space)
        self._startup, self._window = settings.startup_trials, settings.window_trials
        self._rewarded: tuple[Rewarded, ...] = ()
        # Of `_rewarded`, once it is needed; copies share it, since sampling does not change it.
        self._study: Study | None = None

    def policy_marginals(self) -> list[list[float]]:
        """The frequencies of the choices among the best, with one uniformly random architecture as a prior."""
        if not self._has_begun:
            return self._space.uniform_marginals()
        good = np.array([self._rewarded[index][0] for index in _best(self._rewarded)])
        prior = 1.0 / len(self.choices)
        counts = [np.bincount(column, minlength=len(self.choices)) for column in good.T]
        return [[(int(count) + prior) / (len(good) + 1) for count in row] for row in counts]

    @property
    def _has_begun(self) -> bool:
        return self._told >= max(1, self._startup)

    def _proposed(self, rng: np.random.Generator) -> Choices:
        if not self._has_begun:
            return self._space.random(rng)
        if self._study is None:
            self._study = _study(self._rewarded, self._space)
        return _sampled(self._study, self._space, seed=int(rng.integers(2**32)))

    def _learn(self, choices: Choices, reward: float) -> None:
        """Adds a reward; beyond the window the oldest that is not among the best leaves."""
        rewarded = (*self._rewarded, (choices, reward))
        if len(rewarded) > self._window:
            kept = _best(rewarded)
            leaves = next(index for index in range(len(rewarded)) if index not in kept)
            rewarded = (*rewarded[:leaves], *rewarded[leaves + 1 :])
        self._rewarded, self._study = rewarded, None

    def _learned(self) -> dict[str, Any]:
        return {"rewarded": [[list(choices), reward] for choices, reward in self._rewarded]}

    def _restore(self, state: Mapping[str, Any]) -> None:
        self._rewarded = tuple((tuple(choices), reward) for choices, reward in state["rewarded"])
        self._study = None


def _best(rewarded: tuple[Rewarded, ...]) -> frozenset[int]:
    """The indices of the best, of equal ones the earlier, as many as Optuna takes for good."""
    count = min(ceil(GOOD_SHARE * len(rewarded)), MOST_GOOD)
    return frozenset(sorted(range(len(rewarded)), key=lambda index: -rewarded[index][1])[:count])


@cache
def _distributions(space: ChoiceSpace) -> dict[str, BaseDistribution]:
    """The distribution of the index of each block's choice, by the number of the block."""
    from optuna.distributions import IntDistribution

    return {str(block): IntDistribution(0, len(space.choices) - 1) for block in range(space.blocks)}


def _study(rewarded: tuple[Rewarded, ...], space: ChoiceSpace) -> Study:
    """The rewards as a study of Optuna in memory, which sampling does not change."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)  # it writes a line for every study
    distributions = _distributions(space)
    study = optuna.create_study(direction="maximize")
    study.add_trials(
        optuna.trial.create_trial(
            params={str(block): choice for block, choice in enumerate(choices)},
            distributions=distributions,
            value=reward,
        )
        for choices, reward in rewarded
    )
    return study


def _sampled(study: Study, space: ChoiceSpace, seed: int) -> Choices:
    """Choices that the sampler of this seed draws."""
    import optuna

    sampler = optuna.samplers.TPESampler(
        seed=seed, multivariate=True, constant_liar=False, n_startup_trials=0, n_ei_candidates=CANDIDATES
    )
    asked = optuna.trial.create_trial(state=optuna.trial.TrialState.RUNNING)
    found = sampler.sample_relative(study, asked, _distributions(space))
    return tuple(int(found[str(block)]) for block in range(space.blocks))
