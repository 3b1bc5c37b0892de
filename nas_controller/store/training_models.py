"""The tables of trainings and their events."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, ForeignKeyConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from nas_controller.store.model_base import Base


class Training(Base):
    """A training of one network with a recipe.

    It is of a model of the catalogue (`model`), or of the architecture in `specification`, which is a block
    specification. `failures` counts the processes since the last evaluation that ended without saying why, `owner` is
    the supervisor of the process, and `earlier_seconds` are the device seconds of the attempts before the latest.
    """

    __tablename__ = "trainings"
    __table_args__ = (
        ForeignKeyConstraint(["campaign_id", "trial"], ["trials.campaign_id", "trials.number"]),
        Index("ix_trainings_campaign_id_trial", "campaign_id", "trial"),
        Index("ix_trainings_state", "state"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    task: Mapped[str] = mapped_column(String(40))
    campaign_id: Mapped[str | None] = mapped_column(String(32))
    trial: Mapped[int | None]
    model: Mapped[str | None] = mapped_column(String(200))
    specification: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    dataset: Mapped[str] = mapped_column(String(64))
    recipe: Mapped[str] = mapped_column(String(40))
    overrides: Mapped[dict[str, Any]]
    seed: Mapped[int]
    start: Mapped[str] = mapped_column(String(16))
    start_model: Mapped[str | None] = mapped_column(String(100))
    resources: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    state: Mapped[str] = mapped_column(String(16))
    progress: Mapped[dict[str, Any] | None]
    figures: Mapped[dict[str, Any] | None]
    attempts: Mapped[int]
    failures: Mapped[int]
    owner: Mapped[str | None] = mapped_column(String(40))
    device_seconds: Mapped[float]
    earlier_seconds: Mapped[float]
    error: Mapped[str | None] = mapped_column(Text)
    log_tail: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    queued_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    last_event: Mapped[int]


class TrainingEvent(Base):
    """An event of a training; `sequence` has no gaps within a training."""

    __tablename__ = "training_events"

    training_id: Mapped[str] = mapped_column(ForeignKey("trainings.id"), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(40))
    data: Mapped[dict[str, Any]]
