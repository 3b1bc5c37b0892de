"""The controller: a policy, its optimiser and its baseline behind `ask` and `tell`.

It uses no clock, no database and no cluster, and it has no random state: a proposal is a function of the seed, the
trial's number, the draw and the rewards so far. `state()` is everything it has learned, and only `tell` and
`start_baseline` change it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import asdict
from typing import Any

import numpy as np

from nas_controller.search.controller import arrays
from nas_controller.search.controller.adam import Adam
from nas_controller.search.controller.factorised import FactorisedPolicy
from nas_controller.search.controller.policy import Policy
from nas_controller.search.controller.proposal import Proposal
from nas_controller.search.controller.recurrent import RecurrentPolicy
from nas_controller.search.controller.reinforce import MovingBaseline, importance_weight
from nas_controller.search.controller.settings import Settings

STATE_VERSION = 1

# Streams of random numbers under one seed.
_INITIAL_WEIGHTS, _PROPOSALS = 0, 1


class Controller:
    """Proposes one of `choices` for each of `blocks` blocks, and learns by REINFORCE (`reinforce`)."""

    def __init__(self, settings: Settings, blocks: int, choices: Sequence[float], seed: int) -> None:
        self.settings = settings
        self._blocks = blocks
        self._choices = tuple(choices)
        self._seed = seed
        self._policy = _make_policy(settings, blocks, len(self._choices), seed)
        self._adam = Adam(self._policy.parameters.size, settings.learning_rate)
        self._baseline = MovingBaseline(settings.baseline_decay)
        self._told = 0

    @property
    def choices(self) -> tuple[float, ...]:
        """The multipliers that a block can take."""
        return self._choices

    @property
    def told(self) -> int:
        """The number of proposals whose reward it has learned from."""
        return self._told

    def ask(self, number: int, draw: int = 0, exploration: float = 0.0) -> Proposal:
        """The policy's proposal for trial `number`; a different `draw` gives a different one.

        Each choice is uniformly random with the probability `exploration`, which `log_probability` accounts for.
        Changes nothing: the same state gives the same proposal.
        """
        rng = np.random.default_rng([self._seed, _PROPOSALS, number, draw])
        choices, log_probabilities = self._policy.sample(rng.random((1, self._blocks)), exploration)
        indices = tuple(int(index) for index in choices[0])
        betas = tuple(self._choices[index] for index in indices)
        return Proposal(number, draw, indices, betas, float(log_probabilities[0]))

    def start_baseline(self, reward: float) -> None:
        """Initialises the moving average with the reward of an architecture that was not sampled.

        Has no effect once there is a moving average.
        """
        self._baseline.start(reward)

    def tell(self, choices: Sequence[int], log_probability: float | None, reward: float) -> None:
        """Learns from the reward of a proposal, of this policy or of an earlier one.

        `choices` and `log_probability` are the proposal's. Raises ValueError for a reward that is not finite, and for a
        proposal without a log-probability, which is of another algorithm.
        """
        if log_probability is None:
            raise ValueError("the proposal has no log-probability, so no policy has made it")
        if not np.isfinite(reward):
            raise ValueError(f"the reward {reward} is not a finite number")
        advantage = self._baseline.advantage(reward)
        current = self._policy.evaluate(np.asarray(choices, np.int64))
        weight = importance_weight(current.log_probability, log_probability, self.settings.importance_clip)
        gradient = (
            weight * advantage * current.log_probability_gradient
            + self.settings.entropy_bonus * current.entropy_gradient
        )
        self._policy.parameters = self._adam.ascend(self._policy.parameters, gradient)
        self._told += 1

    def copy(self) -> Controller:
        """An independent controller in the same state."""
        other = copy(self)
        other._policy, other._adam, other._baseline = copy(self._policy), copy(self._adam), copy(self._baseline)
        return other

    def policy_marginals(self) -> list[list[float]]:
        """The probability of each choice of each block [blocks][choices]; sums to 1 over the choices."""
        return [[float(p) for p in row] for row in self._policy.marginals()]

    def state(self) -> dict[str, Any]:
        """The state as JSON values; `from_state` restores it exactly.

        Numbers keep Python's shortest exact form, arrays are base 64 of their float64 bytes (`arrays`).
        """
        return {
            "version": STATE_VERSION,
            "settings": asdict(self.settings),
            "blocks": self._blocks,
            "choices": list(self._choices),
            "seed": self._seed,
            "told": self._told,
            "baseline": self._baseline.mean,
            "variance": self._baseline.variance,
            "adam_steps": self._adam.steps,
            "parameters": arrays.encode(self._policy.parameters),
            "first_moment": arrays.encode(self._adam.first_moment),
            "second_moment": arrays.encode(self._adam.second_moment),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Controller:
        """The controller in a state of `state()`. Raises ValueError for a state of another version."""
        if state["version"] != STATE_VERSION:
            raise ValueError(
                f"the controller state has version {state['version']}; this effspine reads {STATE_VERSION}"
            )
        controller = cls(Settings(**state["settings"]), state["blocks"], tuple(state["choices"]), state["seed"])
        controller._told = state["told"]
        controller._baseline.mean = state["baseline"]
        controller._baseline.variance = state["variance"]
        controller._adam.steps = state["adam_steps"]
        controller._policy.parameters = arrays.decode(state["parameters"])
        controller._adam.first_moment = arrays.decode(state["first_moment"])
        controller._adam.second_moment = arrays.decode(state["second_moment"])
        return controller


def _make_policy(settings: Settings, blocks: int, choices: int, seed: int) -> Policy:
    if settings.policy == "factorised":
        return FactorisedPolicy(blocks, choices)
    if settings.policy == "recurrent":
        rng = np.random.default_rng([seed, _INITIAL_WEIGHTS])
        return RecurrentPolicy(blocks, choices, settings.hidden_units, rng)
    raise ValueError(f"policy '{settings.policy}' is neither recurrent nor factorised")
