"""What a campaign proposes next and what it learns from a reward: the search space and the controller,
together.

Pure: no store, no clock, no workers. The campaign runs it and the replay runs it again, so both follow one
set of rules:

- Trial 0 is the uniform distribution. It is not sampled, so the controller does not learn from it as a
  sample; its reward, if it comes before any other, starts the moving average that later rewards are held to.
- A sampled vector of multipliers that no widths can bring on budget is drawn again, at most MAX_DRAWS times.
- A trial that is given up counts as a reward of 0 and is learned from like any other.
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
class Proposed:
    """The architecture of a trial. `choices` and `log_probability` are None for trial 0."""

    candidate: Candidate
    choices: tuple[int, ...] | None
    log_probability: float | None
    draw: int


class Search:
    """The search of one campaign, at one moment."""

    def __init__(self, spec: CampaignSpec, controller: Controller | None = None) -> None:
        self._spec = spec
        self.space = spec.search_space.build()
        self.controller = controller or Controller(
            spec.controller.settings(), self.space.num_blocks, self.space.choices, spec.seed
        )

    def propose(self, number: int) -> Proposed:
        """The architecture of trial `number`, by the present policy. Changes nothing.

        Raises BudgetError when MAX_DRAWS proposals in a row cannot be brought on budget.
        """
        if number == BASELINE_TRIAL:
            return Proposed(self.space.baseline, None, None, 0)
        for draw in range(MAX_DRAWS):
            proposal = self.controller.ask(number, draw)
            try:
                candidate = self.space.candidate(proposal.betas)
            except BudgetError:
                continue
            return Proposed(candidate, proposal.choices, proposal.log_probability, draw)
        raise BudgetError(
            f"trial {number}: none of {MAX_DRAWS} sampled architectures can be brought on the budget of "
            f"{self.space.budget_madds:,} multi-adds; give a larger one or use mode paper",
            field="search_space.budget_madds",
        )

    def learned(
        self, choices: Sequence[int] | None, log_probability: float | None, reward: float, gave_up: bool
    ) -> Controller:
        """A controller that has learned from one more outcome; this search keeps its own until it is
        assigned.
        """
        controller = Controller.from_state(self.controller.state())
        if choices is not None and log_probability is not None:
            controller.tell(choices, log_probability, reward)
        elif not gave_up:
            controller.start_baseline(reward)
        return controller

    def digest(self) -> str:
        """The SHA-256 of the controller's state, as the store keeps it with every reward."""
        return sha256_hex(canonical_json(self.controller.state()))
