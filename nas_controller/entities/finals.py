"""The documents of a campaign's finals."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from nas_controller.entities.document import Document
from nas_controller.states import FinalRunState, FinalsState, StopReason


class FinalistDocument(Document):
    """A trial that was chosen for the finals."""

    trial: int
    estimate: float = Field(
        description="Estimated value by which it was chosen: its reward, shrunk towards those of similar architectures."
    )


class FinalsDocument(Document):
    """The finals of a campaign: its best candidates and the baseline, each trained alone with the same seeds."""

    state: FinalsState = Field(
        description="`interrupted` once the campaign has ended without their end; another request continues them."
    )
    finalists: tuple[FinalistDocument, ...] = Field(description="Those of earlier finals first.")
    noise_share: float = Field(
        description="By what share rewards were shrunk towards the regression on the widths for the choice: the "
        "share of what it leaves that differs between similar architectures."
    )
    task: dict[str, Any] = Field(
        description="Profile or recipe of the finals and the fields that override it; they never change once the "
        "finals have begun.",
        examples=[{"profile": "laptop-alone"}],
    )
    seeds: tuple[int, ...] = Field(description="In the order in which all finalists are trained with each.")
    runs: int = Field(description="Trainings in all: one of each finalist and of the baseline with each seed.")
    runs_finished: int
    fresh_images: bool | None = Field(
        description="Whether the images that are scored gave no reward of the search; null before the first result "
        "and for synthetic tasks."
    )
    data: dict[str, Any] | None = Field(description="Identity of the data of the finals; see the campaign's `data`.")
    winner: int | None = Field(
        description="The confirmed winner: the best of the finalists that are better than the baseline. Null where "
        "there is none, and until the first finals are completed."
    )
    best: int | None = Field(
        description="The trial that they rank first: the winner; without one the finalist with the highest mean "
        "difference, where that is above zero, undecided as it is, and else the baseline. Null until the first finals "
        "are completed."
    )
    follows: Literal["completed", "stopped"] = Field(
        description="How the campaign had ended, or would have without finals, and ends after them."
    )
    because: StopReason | None = Field(description="The stop condition that had ended the search.")
    started_at: datetime
    finished_at: datetime | None

    @property
    def preset(self) -> Literal["profile", "recipe"]:
        """What `task` names and overrides."""
        return "recipe" if "recipe" in self.task else "profile"


def name_of_final(trial: int, seed: int) -> str:
    """What messages call the training of a finalist, or of the baseline, with a seed."""
    return f"the final of trial {trial} with seed {seed}"


class FinalRunDocument(Document):
    """The training of one finalist, or of the baseline, with one seed."""

    trial: int
    seed: int
    state: FinalRunState
    attempts: int
    reward: float | None
    metrics: dict[str, float] | None
    error: str | None = Field(description="The error of its latest failed attempt, until it has a reward.")
    error_kind: str | None
    log_tail: str | None = Field(description="The end of the worker's log of that attempt.")
    data_sha256: str | None = Field(description="Identity of the data that it read.")
    progress_step: int | None
    progress_total: int | None
    started_at: datetime
    worker_started_at: datetime | None = Field(
        None, description="When a worker began its latest attempt; null while that waits for one."
    )
    finished_at: datetime | None


class ComparisonDocument(Document):
    """A finalist against the baseline, over the seeds that both have a reward of."""

    trial: int
    estimate: float
    pairs: int = Field(description="Seeds that both have a reward of.")
    reward: float | None = Field(description="Its mean reward over these seeds.")
    baseline_reward: float | None = Field(description="The mean reward of the baseline over these seeds.")
    mean: float | None = Field(description="Mean difference of the rewards, finalist minus baseline.")
    standard_deviation: float | None = Field(description="Of the differences; null with fewer than 2 pairs.")
    low: float | None = Field(description="Lower end of the 95 % interval of the paired t-test, for all finalists.")
    high: float | None
    word: Literal["better", "worse", "undecided"]
    more_seeds: int | None = Field(
        description="How many more seeds would decide, by the measured standard deviation; 0 if it is decided, null "
        "if it cannot be said."
    )
    params_ratio: float = Field(description="Parameters over the baseline's.")
    latency_ratio: float | None = Field(description="Latency over the baseline's; null where it was not measured.")


class VerdictDocument(Document):
    """What the finals have shown so far; it is final once their state is `completed`."""

    winner: int | None = Field(description="The confirmed winner, null while the finals run.")
    sentence: str
    baseline_reward: float | None = Field(description="The mean reward of the baseline over all its seeds.")
    baseline_seeds: int = Field(description="Seeds that the baseline has a reward of.")
    comparisons: tuple[ComparisonDocument, ...]


class FinalsReportDocument(Document):
    """The finals of a campaign, their verdict and all their trainings."""

    finals: FinalsDocument
    verdict: VerdictDocument
    runs: tuple[FinalRunDocument, ...]
