"""What an executor needs of whoever has trials to run: a campaign, with its record behind it, or a proxy check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

from nas_controller.search.outcomes import Failed, Rewarded, TrialWork


class TrialSource(Protocol):
    """Gives out trials one by one and takes in what came of them. All calls come from one thread."""

    @property
    def over(self) -> bool:
        """Whether there is nothing left to run."""
        ...

    @property
    def draining(self) -> bool:
        """Whether nothing new begins, while what is in training is completed."""
        ...

    def next_trial(self) -> TrialWork | None:
        """What to train next; None when there is nothing to do before something completes."""
        ...

    def progress(
        self, work: TrialWork, step: int, total: int, values: Mapping[str, float], ap: float | None = None
    ) -> None:
        """Takes in how far an attempt has come."""
        ...

    def stop_early(self, work: TrialWork, step: int, values: Mapping[str, float], ap: float | None) -> bool:
        """Whether the attempt ends here, with its outcome taken in already."""
        ...

    def is_finished(self, number: int) -> bool:
        """Whether a trial that was given out has its outcome, or will have none."""
        ...

    def complete(self, work: TrialWork, outcome: Rewarded | Failed) -> None:
        """Takes in what came of an attempt."""
        ...

    def end(self, state: Literal["stopped", "failed", "completed"], error: str | None = None) -> None:
        """Ends everything as it stands."""
        ...
