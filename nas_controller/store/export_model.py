"""The table of exports."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import BigInteger

from nas_controller.store.model_base import Base


class Export(Base):
    """A file of one trial, or of the best model of a training, in one format, or detections of a trial.

    `cache_key` is the digest of all that its content depends on; `owner` is the supervisor of the process that makes
    it, and `failures` counts the processes that ended without saying why.
    """

    __tablename__ = "exports"
    __table_args__ = (
        ForeignKeyConstraint(["campaign_id", "trial"], ["trials.campaign_id", "trials.number"]),
        Index("ix_exports_cache_key", "cache_key", unique=True),
        Index("ix_exports_campaign_id_trial", "campaign_id", "trial"),
        Index("ix_exports_state", "state"),
        Index("ix_exports_training_id", "training_id"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    cache_key: Mapped[str] = mapped_column(String(64))
    campaign_id: Mapped[str | None] = mapped_column(String(32))
    trial: Mapped[int | None]
    training_id: Mapped[str | None] = mapped_column(ForeignKey("trainings.id"))
    format: Mapped[str] = mapped_column(String(40))
    weights: Mapped[str] = mapped_column(String(16))
    model: Mapped[str | None] = mapped_column(String(100))
    about: Mapped[str] = mapped_column(Text)
    lowest_score: Mapped[float | None]
    state: Mapped[str] = mapped_column(String(16))
    progress: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int]
    failures: Mapped[int]
    owner: Mapped[str | None] = mapped_column(String(40))
    error: Mapped[str | None] = mapped_column(Text)
    log_tail: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    queued_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    file_name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(100))
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(String(64))
