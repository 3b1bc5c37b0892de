"""The search of a campaign: the search space and the controller together, for the campaign and for its replay.

Pure: no store, no clock, no workers. The rules that both follow:

- Trial 0 is the uniform baseline. It is not sampled, so the controller does not learn from it. If its reward comes
  before any other, it initialises the moving average that later rewards are compared with.
- A proposal for which no widths meet the budget is drawn again, MAX_DRAWS times in all.
- So is a repeat, a proposal of widths that have been tried, unless `controller.repeats` is "count": the proposals of a
  trial come from one state, so what was skipped teaches nothing and costs no trial, and no crash can lose it.
- Once EXPLORE_AFTER proposals of a trial were repeats, the policy has collapsed onto known architectures, and it is
  re-heated: every further repeat draws more of the next proposal's choices at random, until all are.
- When MAX_DRAWS proposals, nearly half of them random, have given nothing new, the search space is exhausted.
- A failed trial has the reward 0, and the controller learns from it as from any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from nas_controller.canonical_json import canonical_json, sha256_hex
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.search.searchers import Searcher, make_searcher
from nas_controller.states import BASELINE_TRIAL
from search_space.errors import BudgetError, EffspineError
from search_space.space import Candidate, Widths

MAX_DRAWS = 200
EXPLORE_AFTER = 20
EXPLORE_OVER = 100
"""Number of repeats over which the share of random choices grows from none to all."""
CACHED_CANDIDATES = 4_096
"""One takes half a millisecond to compute, and the proposals of a collapsed policy come back again and again."""


class SpaceExhaustedError(EffspineError):
    """MAX_DRAWS proposals for a trial have given no new architecture."""


@dataclass(frozen=True)
class TrialProposal:
    """The architecture of a trial, and how it was sampled: `choices` and `log_probability` are None for trial 0.

    `draw` counts the earlier proposals for this trial, which were repeats or which no widths within the budget could
    realise; `repeats` are the former.
    """

    candidate: Candidate
    choices: tuple[int, ...] | None
    log_probability: float | None
    draw: int
    repeats: int = 0


class Search:
    """The search of one campaign: its search space, and the controller in its current state."""

    def __init__(self, spec: CampaignSpec, controller: Searcher | None = None) -> None:
        self._spec = spec
        self.space = spec.search_space.build()
        self._candidate = lru_cache(CACHED_CANDIDATES)(self.space.candidate)
        self.controller = controller or make_searcher(
            spec.controller.settings(), self.space.num_blocks, self.space.choices, spec.seed
        )

    def propose(self, number: int, is_known: Callable[[Widths], bool]) -> TrialProposal:
        """The architecture of trial `number`, by the current policy. Changes nothing.

        `is_known` says whether an earlier trial has these widths. Raises SpaceExhaustedError if MAX_DRAWS proposals in
        a row give no new architecture, and BudgetError if none of them meets the budget.
        """
        if number == BASELINE_TRIAL:
            return TrialProposal(self.space.baseline, None, None, 0)
        repeats = 0
        for draw in range(MAX_DRAWS):
            proposal = self.controller.ask(number, draw, exploration(repeats))
            try:
                candidate = self._candidate(proposal.betas)
            except BudgetError:
                continue
            if self._spec.controller.repeats == "free" and is_known(candidate.widths):
                repeats += 1
                continue
            return TrialProposal(candidate, proposal.choices, proposal.log_probability, draw, repeats)
        if repeats:
            raise SpaceExhaustedError(f"trial {number}: {MAX_DRAWS} proposals have given no new architecture")
        raise BudgetError(
            f"trial {number}: none of {MAX_DRAWS} sampled architectures can meet the budget of "
            f"{self.space.budget_madds:,} multi-adds; give a larger budget or use mode paper",
            field="search_space.budget_madds",
        )

    def updated_controller(
        self,
        choices: Sequence[int] | None,
        log_probability: float | None,
        reward: float,
        failed: bool,
        latency_ratio: float | None,
        params: int,
    ) -> Searcher:
        """A copy of the controller that has learned from an outcome; assign it to `controller` once that is stored.

        It is told the value of the campaign's objective, for the reward and the latency or the parameters of the
        architecture over those of the baseline.
        """
        value = self.objective_value(reward, latency_ratio, params)
        controller = self.controller.copy()
        if choices is not None:
            controller.tell(choices, log_probability, value)
        elif not failed:
            controller.start_baseline(value)
        return controller

    def objective_value(self, reward: float, latency_ratio: float | None, params: int) -> float:
        """What the controller is told of an outcome."""
        objective = self._spec.objective
        return objective.value(reward, objective.cost_ratio(params / self.space.baseline.params, latency_ratio))

    def digest(self) -> str:
        """The SHA-256 of the controller's state, which the store writes with every outcome."""
        return sha256_hex(canonical_json(self.controller.state()))


def exploration(repeats: int) -> float:
    """The probability that a choice of the next proposal for a trial is random, after so many repeats."""
    return min(1.0, max(0, repeats - EXPLORE_AFTER) / EXPLORE_OVER)
