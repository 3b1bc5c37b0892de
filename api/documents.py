"""What the service answers, as types: the OpenAPI document, the client and the command line share them. What the store
has records of is defined in `nas_controller.entities`.

Times are UTC, ISO 8601. Multi-adds and parameters count as in `search_space.cost`: plain multi-adds, trainable
parameters. Rewards are AP, from 0 to 1.
"""

from __future__ import annotations

from datetime import datetime
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from nas_controller.entities import (
    AttemptDocument,
    CampaignDocument,
    CurvePoint,
    EventDocument,
    KeyDocument,
    SupervisorDocument,
    TrialDetailDocument,
    TrialDocument,
)
from nas_controller.states import EstimateBasis, PauseMode

__all__ = [
    "AttemptDocument",
    "BestDocument",
    "CampaignDocument",
    "CurvePoint",
    "EstimateDocument",
    "EventDocument",
    "ExportDocument",
    "HealthDocument",
    "KeyDocument",
    "Page",
    "PauseRequest",
    "PolicyDocument",
    "ReadinessDocument",
    "SupervisorDocument",
    "TrialDetailDocument",
    "TrialDocument",
]

Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next_cursor: str | None = Field(description="Give it as `cursor` to read on; null on the last page.")


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


class BestDocument(BaseModel):
    """The best trials of a campaign, best first, beside the uniform baseline."""

    items: list[TrialDocument]
    baseline: TrialDocument | None


class PolicyDocument(BaseModel):
    """What the controller has come to believe: how likely each multiplier is for each block."""

    choices: list[float]
    blocks: list[int]
    probabilities: list[list[float]] = Field(description="[block, choice]; each row adds up to 1.")


class ExportDocument(BaseModel):
    """A file that was taken away; the same content again is the same one."""

    trial: int
    format: str = Field(examples=["json"])
    sha256: str = Field(description="Of the content, in hexadecimal.")
    bytes: int = Field(description="Size of the content.")
    count: int = Field(description="How often it was taken.")
    at: datetime = Field(description="When it was taken first.")
    last_at: datetime = Field(description="When it was taken last.")


class HealthDocument(BaseModel):
    """The service, as a check sees it."""

    status: str = Field(examples=["ok"])
    version: str | None = Field(description="Null for those who need a key and have shown none, as `data_dir`.")
    data_dir: str | None = Field(description="Where this service keeps its files.")


class ReadinessDocument(HealthDocument):
    """The service with its store, and who runs campaigns."""

    schema_revision: str | None = Field(default=None, description="Schema of the store.")
    supervisors: list[SupervisorDocument] | None = Field(
        default=None,
        description="Seen within a day and not ended in order, the latest first. None alive: campaigns wait.",
    )
