"""The documents of what is known of a campaign before it is created."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from nas_controller.entities.document import Document
from nas_controller.states import EstimateBasis, SharedEstimateBasis


class SharedTrainingEstimateDocument(Document):
    """The estimated duration of the training of a campaign's shared weights."""

    basis: SharedEstimateBasis = Field(
        description="`kept` where an earlier campaign has trained these weights and their file is there, so they are "
        "only read; otherwise the trainings of the same task and search space, on any data and with any seed, with the "
        "same parallelism and resources or with others; or nothing, and then every number is null."
    )
    measured_trainings: int = Field(description="Number of earlier trainings, or of times they were read, behind it.")
    wall_seconds: float | None = Field(description="Median of their durations; 0 for kept ones never read again.")
    device_hours: float | None = Field(description="That times the devices that its worker holds.")


class FinalsEstimateDocument(Document):
    """The estimated duration of the finals of a campaign."""

    trainings: int = Field(description="One of each finalist and of the baseline with each seed.")
    basis: EstimateBasis = Field(description="As that of the trials, from finals of the same proxy task.")
    measured_trainings: int = Field(description="Number of earlier finals that the estimate uses.")
    seconds_per_training: float | None = Field(description="Median of their durations.")
    at_once: int | None = Field(None, description="As that of the trials.")
    wall_seconds: float | None = Field(description="As that of the trials.")
    device_hours: float | None = Field(description="Summed over the devices of every training.")


class EstimateDocument(Document):
    """The estimated duration of a campaign's trials, if every one is trained to its end, of its shared training and of
    its finals.
    """

    trials: int
    parallelism: int
    basis: EstimateBasis = Field(
        description="Basis of the estimate: trials of the same proxy task, with the same parallelism and resources or "
        "with others; the seconds of a synthetic profile, until its throughput with the same workers was observed; or "
        "nothing, and then every number is null."
    )
    measured_trials: int = Field(description="Number of earlier trials that the estimate uses.")
    seconds_per_trial: float | None = Field(
        description="Median of their durations; of a synthetic profile, its seconds."
    )
    at_once: int | None = Field(
        None,
        description="Trials that `wall_seconds` assumes to train at once: `parallelism`, or fewer where the machine of "
        "the supervisor has not their processors or its `max_parallelism` is lower. Null where `wall_seconds` follows "
        "an observed throughput or is null.",
    )
    wall_seconds: float | None = Field(
        description="At the throughput of the newest campaign with the same workers, else with `at_once` trials at "
        "once, no failures, no other campaign and without the start of the workers."
    )
    device_hours: float | None = Field(description="Summed over the devices of every trial.")
    bounded_by: Literal["wall_seconds", "device_hours"] | None = Field(
        description="The condition in `stop` that would end it first; the numbers are up to that point. Both "
        "conditions count the shared training."
    )
    shared_training: SharedTrainingEstimateDocument | None = Field(
        description="The training of its shared weights, which comes on top of the other numbers, or null for a proxy "
        "task of another kind."
    )
    finals: FinalsEstimateDocument | None = Field(
        description="Its finals, which come on top of the other numbers and are bounded by no stop condition, or null."
    )


class FeasibleMaddsDocument(Document):
    """The multi-adds that a search space can have as its budget."""

    least: int = Field(description="With every searched block at its smallest width.")
    most: int = Field(description="With every searched block at its largest width.")
    of_base: int = Field(description="The budget of a specification that gives none: the multi-adds of its base.")


class DryRunDocument(Document):
    """What creating a campaign would do. Nothing is written."""

    spec: dict[str, Any] = Field(description="The campaign as it would be created, with every default filled in.")
    estimate: EstimateDocument = Field(description="Its duration, as `POST /v1/campaigns/estimate` gives it.")
    feasible_madds: FeasibleMaddsDocument = Field(description="The budgets that its search space allows.")
    warnings: list[str] = Field(description="What is allowed but may not be intended, in sentences.")
