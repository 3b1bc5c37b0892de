"""The search of a campaign: the search space and the controller together, for the campaign and for its replay.

Pure: no store, no clock, no workers. The rules that both follow:

- Trial 0 is the uniform baseline. It is not sampled, so the controller does not learn from it. If its reward comes
  before any other, it initialises the moving average that later rewards are compared with.
- Multipliers for which no widths meet the budget are sampled again, at most MAX_DRAWS times.
- A failed trial has the reward 0, and the controller learns from it as from any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nas_controller.canonical_json import canonical_json, sha256_hex
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.search.controller import Controller
from nas_controller.states import BASELINE_TRIAL
from search_space.errors import BudgetError
from search_space.space import Candidate

MAX_DRAWS = 200


@dataclass(frozen=True)
class TrialProposal:
    """The architecture of a trial, and how it was sampled: `choices` and `log_probability` are None for trial 0.

    `draw` counts the earlier proposals for this trial, which no widths within the budget could realise.
    """

    candidate: Candidate
    choices: tuple[int, ...] | None
    log_probability: float | None
    draw: int


class Search:
    """The search of one campaign: its search space, and the controller in its current state."""

    def __init__(self, spec: CampaignSpec, controller: Controller | None = None) -> None:
        self._spec = spec
        self.space = spec.search_space.build()
        self.controller = controller or Controller(
            spec.controller.settings(), self.space.num_blocks, self.space.choices, spec.seed
        )

    def propose(self, number: int) -> TrialProposal:
        """The architecture of trial `number`, by the current policy. Changes nothing.

        Raises BudgetError if MAX_DRAWS proposals in a row cannot meet the budget.
        """
        if number == BASELINE_TRIAL:
            return TrialProposal(self.space.baseline, None, None, 0)
        for draw in range(MAX_DRAWS):
            proposal = self.controller.ask(number, draw)
            try:
                candidate = self.space.candidate(proposal.betas)
            except BudgetError:
                continue
            return TrialProposal(candidate, proposal.choices, proposal.log_probability, draw)
        raise BudgetError(
            f"trial {number}: none of {MAX_DRAWS} sampled architectures can meet the budget of "
            f"{self.space.budget_madds:,} multi-adds; give a larger budget or use mode paper",
            field="search_space.budget_madds",
        )

    def updated_controller(
        self, choices: Sequence[int] | None, log_probability: float | None, reward: float, failed: bool
    ) -> Controller:
        """A copy of the controller that has learned from an outcome; assign it to `controller` once that is stored."""
        controller = self.controller.copy()
        if choices is not None and log_probability is not None:
            controller.tell(choices, log_probability, reward)
        elif not failed:
            controller.start_baseline(reward)
        return controller

    def digest(self) -> str:
        """The SHA-256 of the controller's state, which the store writes with every outcome."""
        return sha256_hex(canonical_json(self.controller.state()))
