"""What a campaign, a trial and the rest consist of, once for all: the store's records extend these documents, answers
of the service have their fields in this order, and the client reads them.

It imports no database. Times are UTC, ISO 8601 in JSON. Multi-adds and parameters count as in `search_space.cost`:
plain multi-adds, trainable parameters. Rewards are AP, from 0 to 1.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from nas_controller.states import AttemptState, CampaignState, KeyScope, PauseMode, StopReason, TrialState


class Document(BaseModel):
    """A frozen document. A subclass that adds a field which is not for everybody says `Field(exclude=True)`."""

    model_config = ConfigDict(frozen=True)

    @classmethod
    @cache
    def document_fields(cls) -> tuple[str, ...]:
        """The names of the fields that the service answers, in its order."""
        return tuple(name for name, field in cls.model_fields.items() if not field.exclude)

    def to_dict(self) -> dict[str, Any]:
        """The document as plain JSON values."""
        return {name: _json_value(getattr(self, name)) for name in self.document_fields()}


def _json_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return list(value) if isinstance(value, tuple) else value


class CampaignFields(Document):
    """A campaign, all but its specification."""

    id: str
    name: str = Field(examples=["digits"])
    state: CampaignState
    error: str | None = Field(description="Why the campaign failed; null where it did not.")
    error_kind: str | None = Field(None, description="Name of that error.", examples=["data-changed"])
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
    waiting_for: str | None = Field(
        None, description="What a running campaign waits for, such as a data set that is away; null while it trains."
    )
    data: dict[str, Any] | None = Field(
        None,
        description="Identity of the data that its rewards were measured on, by content: `sha256` over both halves, "
        "and of each half its images, boxes and digests. Null before the first trial and for synthetic tasks.",
    )


class CampaignDocument(CampaignFields):
    """A campaign: what was asked for, how far it is, and its best so far."""

    spec: dict[str, Any] = Field(description="The campaign as it was asked for, with every default filled in.")


class TrialDocument(Document):
    """One architecture and what its proxy training came to."""

    number: int = Field(description="0 is the uniform baseline.")
    state: TrialState
    reward: float | None
    betas: tuple[float, ...] = Field(description="Sampled multipliers of the searched blocks.")
    alphas: tuple[float, ...] = Field(description="Shares after Equation 4.")
    widths: tuple[int, ...] = Field(description="Output channels of the 18 blocks; they identify the architecture.")
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


class AttemptDocument(Document):
    """One execution of a trial."""

    number: int
    state: AttemptState
    reward: float | None
    metrics: dict[str, float] | None
    error: str | None = Field(description="Why it failed.")
    error_kind: str | None = Field(None, description="Name of that error.", examples=["worker-killed"])
    log_tail: str | None = Field(None, description="The end of what the worker wrote during a failed attempt.")
    data_sha256: str | None = Field(None, description="Identity of the data that it read; see the campaign's `data`.")
    started_at: datetime
    finished_at: datetime | None


class CurvePoint(Document):
    """What an attempt measured at a step of its training."""

    attempt: int
    step: int
    at: datetime
    values: dict[str, float]


class TrialDetailDocument(TrialDocument):
    """A trial with its attempts and its learning curve."""

    attempts_made: list[AttemptDocument]
    curve: list[CurvePoint]


class EventDocument(Document):
    """Something that happened to a campaign; `sequence` is the id of its server-sent event."""

    sequence: int
    at: datetime
    kind: str
    data: dict[str, Any]


class KeyDocument(Document):
    """An API key, without its secret."""

    id: str = Field(description="Public; the part of the key between the first two underscores.")
    name: str
    scope: KeyScope
    created_at: datetime
    rotated_at: datetime | None
    last_used_at: datetime | None = Field(description="To some ten minutes.")
    expires_at: datetime | None
    revoked_at: datetime | None


class SupervisorDocument(Document):
    """A supervisor, as it was seen last."""

    id: str
    host: str
    pid: int
    version: str
    started_at: datetime
    seen_at: datetime
    is_alive: bool = Field(description="Whether it was seen within 30 seconds.")
