"""Models of requests and responses, which the OpenAPI document, the client and the command line share. Those of stored
entities are defined in `nas_controller.entities`.

Times are UTC, ISO 8601. Multi-adds and parameters count as in `search_space.cost`: plain multi-adds, trainable
parameters. Rewards are AP, from 0 to 1.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from nas_controller.entities import (
    AttemptDocument,
    CampaignDocument,
    CurvePoint,
    EstimateDocument,
    EventDocument,
    KeyDocument,
    SupervisorDocument,
    TrialDetailDocument,
    TrialDocument,
)
from nas_controller.states import PauseMode

__all__ = [
    "AttemptDocument",
    "BestDocument",
    "CampaignDocument",
    "CurvePoint",
    "EstimateDocument",
    "EventDocument",
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
    next_cursor: str | None = Field(description="Value of `cursor` for the next page; null on the last page.")


class PauseRequest(BaseModel):
    """How to pause a campaign."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"mode": "drain"}, {"mode": "abort"}]})

    mode: PauseMode = Field(
        default="drain",
        description="`drain` lets trials in training finish; `abort` aborts them, to be retried later.",
    )


class BestDocument(BaseModel):
    """The best trials of a campaign, best first, and the uniform baseline."""

    items: list[TrialDocument]
    baseline: TrialDocument | None


class PolicyDocument(BaseModel):
    """The learned policy: the probability of each multiplier for each block."""

    choices: list[float]
    blocks: list[int]
    probabilities: list[list[float]] = Field(description="[block, choice]; each row adds up to 1.")


class HealthDocument(BaseModel):
    """Liveness of the service."""

    status: str = Field(examples=["ok"])
    version: str | None = Field(description="Null for callers without a required key, as is `data_dir`.")
    data_dir: str | None = Field(description="Directory of the service's files.")


class ReadinessDocument(HealthDocument):
    """Readiness of the service and its database, and the supervisors that run campaigns."""

    schema_revision: str | None = Field(default=None, description="Schema version of the database.")
    supervisors: list[SupervisorDocument] | None = Field(
        default=None,
        description="Those seen within a day that did not shut down, latest first. If none is alive, campaigns wait.",
    )
