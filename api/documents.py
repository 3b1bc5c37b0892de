"""What the service answers, as types: the OpenAPI document, the client and the command line share them.

Times are UTC, ISO 8601. Multi-adds and parameters count as in `search_space.cost`: plain multi-adds, trainable
parameters. Rewards are AP, from 0 to 1.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from nas_controller.states import CampaignState, EstimateBasis, KeyScope, PauseMode, StopReason, TrialState

Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next_cursor: str | None = Field(description="Give it as `cursor` to read on; null on the last page.")


class CampaignDocument(BaseModel):
    """A campaign: what was asked for, how far it is, and its best so far."""

    id: str
    name: str = Field(examples=["digits"])
    state: CampaignState
    error: str | None = Field(description="Why the campaign failed; null where it did not.")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    trials_begun: int
    trials_finished: int = Field(description="Trials that are over, of the `trials` that the specification asks for.")
    baseline_reward: float | None = Field(description="Reward of trial 0, the uniform baseline.")
    best_reward: float | None
    best_trial: int | None
    last_event: int = Field(description="Sequence of the newest event.")
    pause_mode: PauseMode | None = Field(None, description="How it pauses or has paused; null where it does not.")
    paused_at: datetime | None = Field(None, description="Since when it is paused.")
    paused_seconds: float = Field(0.0, description="How long it was paused, in all pauses that are over.")
    device_seconds: float = Field(0.0, description="What its attempts that are over have taken, over all devices.")
    stopped_because: StopReason | None = Field(
        None, description="The condition in the specification's `stop` that has ended it before its last trial."
    )
    spec: dict[str, Any] = Field(description="The campaign as it was asked for, with every default filled in.")


class EstimateDocument(BaseModel):
    """What a campaign will take if every trial is trained to its end."""

    trials: int
    parallelism: int
    basis: EstimateBasis = Field(
        description="From what: earlier trials of the same proxy task, with the same parallelism and resources or with "
        "others; the seconds of a synthetic profile; or nothing, and then every figure is null."
    )
    measured_trials: int = Field(description="Earlier trials that it rests on.")
    seconds_per_trial: float | None = Field(description="Their median.")
    wall_seconds: float | None = Field(description="With `parallelism` workers and no failures.")
    device_hours: float | None = Field(description="Summed over the devices of every trial.")
    bounded_by: Literal["wall_seconds", "device_hours"] | None = Field(
        description="The condition in `stop` that would end it first; the figures are up to there."
    )


class PauseRequest(BaseModel):
    """How a campaign is to pause."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"mode": "drain"}, {"mode": "abort"}]})

    mode: PauseMode = Field(
        default="drain", description="`drain` lets trials in training finish; `abort` gives them up, to be retried."
    )


class TrialDocument(BaseModel):
    """One architecture and what its proxy training came to."""

    number: int = Field(description="0 is the uniform baseline.")
    state: TrialState
    reward: float | None
    betas: list[float] = Field(description="Sampled multipliers of the searched blocks.")
    alphas: list[float] = Field(description="Shares after Equation 4.")
    widths: list[int] = Field(description="Output channels of the 18 blocks; they identify the architecture.")
    madds: int
    params: int
    madds_ratio: float = Field(description="Multi-adds over the budget.")
    attempts: int
    reused_from: int | None = Field(description="The trial whose reward this repeated architecture took.")
    metrics: dict[str, float] | None
    error: str | None = Field(description="Why it was given up or, without an outcome yet, its latest attempt failed.")
    error_kind: str | None = Field(None, description="Name of that error.", examples=["non-finite-loss"])
    progress_step: int | None
    progress_total: int | None
    progress_ap: float | None = Field(None, description="Latest AP that a running trial has measured on the way.")
    stopped_early_step: int | None = Field(
        None, description="The step at which the campaign's rule has ended the trial; its reward is the AP there."
    )
    started_at: datetime
    finished_at: datetime | None


class AttemptDocument(BaseModel):
    """One execution of a trial."""

    number: int
    state: str
    reward: float | None
    metrics: dict[str, float] | None
    error: str | None = Field(description="Why it failed.")
    error_kind: str | None = Field(None, description="Name of that error.", examples=["worker-killed"])
    log_tail: str | None = Field(None, description="The end of what the worker wrote during a failed attempt.")
    started_at: datetime
    finished_at: datetime | None


class CurvePoint(BaseModel):
    """What an attempt measured at a step of its training."""

    attempt: int
    step: int
    at: datetime
    values: dict[str, float]


class TrialDetailDocument(TrialDocument):
    """A trial with its attempts and its learning curve."""

    attempts_made: list[AttemptDocument]
    curve: list[CurvePoint]


class BestDocument(BaseModel):
    """The best trials of a campaign, best first, beside the uniform baseline."""

    items: list[TrialDocument]
    baseline: TrialDocument | None


class PolicyDocument(BaseModel):
    """What the controller has come to believe: how likely each multiplier is for each block."""

    choices: list[float]
    blocks: list[int]
    probabilities: list[list[float]] = Field(description="[block, choice]; each row adds up to 1.")


class EventDocument(BaseModel):
    """Something that happened to a campaign; `sequence` is the id of its server-sent event."""

    sequence: int
    at: datetime
    kind: str
    data: dict[str, Any]


class SupervisorDocument(BaseModel):
    """A supervisor, as it was seen last."""

    id: str
    host: str
    pid: int
    version: str
    started_at: datetime
    seen_at: datetime
    is_alive: bool = Field(description="Whether it was seen within 30 seconds.")


class HealthDocument(BaseModel):
    """The service, as a check sees it."""

    status: str = Field(examples=["ok"])
    version: str | None = Field(description="Null for those who need a key and have shown none, as `data_dir`.")
    data_dir: str | None = Field(description="Where this service keeps its files.")


class ReadinessDocument(HealthDocument):
    """The service with its store, and who runs campaigns."""

    schema_revision: str | None = Field(default=None, description="Schema version of the database.")
    supervisors: list[SupervisorDocument] | None = Field(
        default=None,
        description="Seen within a day and not ended in order, the latest first. None alive: campaigns wait.",
    )


class KeyDocument(BaseModel):
    """An API key, without its secret."""

    id: str = Field(description="Public; the part of the key between the first two underscores.")
    name: str
    scope: KeyScope
    created_at: datetime
    rotated_at: datetime | None
    last_used_at: datetime | None = Field(description="To some ten minutes.")
    expires_at: datetime | None
    revoked_at: datetime | None
