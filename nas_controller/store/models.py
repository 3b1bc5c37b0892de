"""The tables, as SQLAlchemy models. Nothing outside the store sees them; callers get records.

Portable types only: the same code runs on SQLite and PostgreSQL. Times are stored in UTC and read back aware. Real
numbers are doubles, and JSON documents have Python's shortest representation, so every float is read back exactly.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, Integer, LargeBinary, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import BigInteger

from nas_controller.store.export_model import Export as Export
from nas_controller.store.model_base import Base as Base
from nas_controller.store.model_base import UtcDateTime as UtcDateTime
from nas_controller.store.model_base import Words
from nas_controller.store.supervisor_model import Supervisor as Supervisor
from nas_controller.store.training_models import Training as Training
from nas_controller.store.training_models import TrainingEvent as TrainingEvent
from nas_controller.store.webhook_models import SinkCursor as SinkCursor
from nas_controller.store.webhook_models import Webhook as Webhook
from nas_controller.store.webhook_models import WebhookDelivery as WebhookDelivery


class Campaign(Base):
    """One search; the row has sums over its trials, so that lists do not have to count."""

    __tablename__ = "campaigns"
    __table_args__ = (
        Index("ix_campaigns_state_id", "state", "id"),
        # The columns that select and order a list (`campaign_lists.py`): the rows themselves have long specifications.
        Index(
            "ix_campaigns_archived_id",
            *("archived", "id", "state", "name", "tags", "started_at", "baseline_reward", "best_reward", "finals_gain"),
        ),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(16))
    spec: Mapped[dict[str, Any]]
    spec_version: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)
    trials_begun: Mapped[int] = mapped_column(default=0)
    trials_finished: Mapped[int] = mapped_column(default=0)
    baseline_reward: Mapped[float | None]
    best_reward: Mapped[float | None]
    best_trial: Mapped[int | None]
    last_event: Mapped[int] = mapped_column(default=0)
    lease_epoch: Mapped[int] = mapped_column(default=0)
    lease_owner: Mapped[str | None] = mapped_column(String(200))
    lease_expires_at: Mapped[datetime | None]
    pause_mode: Mapped[str | None] = mapped_column(String(8))
    paused_at: Mapped[datetime | None]
    paused_seconds: Mapped[float] = mapped_column(server_default="0")
    device_seconds: Mapped[float] = mapped_column(server_default="0")
    trials_since_best: Mapped[int] = mapped_column(server_default="0")
    stopped_because: Mapped[str | None] = mapped_column(String(40))
    queued_at: Mapped[datetime | None]
    queue_seconds: Mapped[float | None]
    progress_reports: Mapped[int] = mapped_column(server_default="0")
    first_reports: Mapped[int] = mapped_column(server_default="0")
    first_report_seconds: Mapped[float] = mapped_column(server_default="0")
    trials_failed: Mapped[int] = mapped_column(server_default="0")
    rewards_accepted: Mapped[int] = mapped_column(server_default="0")
    workers_killed: Mapped[int] = mapped_column(server_default="0")
    attempts_lost: Mapped[int] = mapped_column(server_default="0")
    data: Mapped[dict[str, Any] | None]
    error_kind: Mapped[str | None] = mapped_column(String(40))
    waiting_for: Mapped[str | None] = mapped_column(Text)
    failures: Mapped[int] = mapped_column(server_default="0")
    consecutive_failures: Mapped[int] = mapped_column(server_default="0")
    retry_epoch: Mapped[int] = mapped_column(server_default="0")
    shared_training: Mapped[dict[str, Any] | None]
    finals: Mapped[dict[str, Any] | None]
    repeats_skipped: Mapped[int] = mapped_column(server_default="0")
    reheated_trials: Mapped[int] = mapped_column(server_default="0")
    notes: Mapped[str] = mapped_column(Text, default="", server_default="")
    tags: Mapped[tuple[str, ...]] = mapped_column(Words, default=(), server_default="")
    archived: Mapped[bool] = mapped_column(default=False, server_default=false())
    finals_gain: Mapped[float | None]


class CampaignDeletion(Base):
    """A campaign that was deleted, until its files are removed too; `exports` are the ids of its exports."""

    __tablename__ = "campaign_deletions"

    campaign_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    exports: Mapped[list[str]]
    deleted_at: Mapped[datetime]


class Trial(Base):
    """One architecture with at most one reward."""

    __tablename__ = "trials"
    __table_args__ = (
        # One index per order of the list; for figures, the columns that select trials (`downsampling.py`).
        Index("ix_trials_campaign_id_state", "campaign_id", "state", "number"),
        Index(
            "ix_trials_campaign_id_reward", "campaign_id", "reward", "number", "state", "reused_from", "madds", "params"
        ),
        Index("ix_trials_campaign_id_madds", "campaign_id", "madds", "number", "state"),
        Index("ix_trials_campaign_id_params", "campaign_id", "params", "number", "state"),
        Index(
            "ix_trials_campaign_id_latency_ratio",
            *("campaign_id", "latency_ratio", "number", "state", "reward", "reused_from"),
        ),
    )

    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaigns.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(String(16))
    reward: Mapped[float | None]
    choices: Mapped[list[int] | None]
    log_probability: Mapped[float | None]
    betas: Mapped[list[float]]
    alphas: Mapped[list[float]]
    widths: Mapped[list[int]]
    madds: Mapped[int] = mapped_column(BigInteger)
    params: Mapped[int] = mapped_column(BigInteger)
    madds_ratio: Mapped[float]
    attempts: Mapped[int] = mapped_column(default=0)
    accepted_attempt: Mapped[int | None]
    reused_from: Mapped[int | None]
    metrics: Mapped[dict[str, Any] | None]
    error: Mapped[str | None] = mapped_column(Text)
    error_kind: Mapped[str | None] = mapped_column(String(40))
    progress_step: Mapped[int | None]
    progress_total: Mapped[int | None]
    progress_ap: Mapped[float | None]
    stopped_early_step: Mapped[int | None]
    latency_ms: Mapped[float | None]
    latency_ratio: Mapped[float | None]
    started_at: Mapped[datetime]
    worker_started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class Attempt(Base):
    """One execution of a trial, under one lease."""

    __tablename__ = "attempts"
    __table_args__ = (
        ForeignKeyConstraint(["campaign_id", "trial"], ["trials.campaign_id", "trials.number"]),
        Index("ix_attempts_campaign_id_state", "campaign_id", "state"),
    )

    campaign_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    trial: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(String(16))
    epoch: Mapped[int]
    reward: Mapped[float | None]
    metrics: Mapped[dict[str, Any] | None]
    error: Mapped[str | None] = mapped_column(Text)
    error_kind: Mapped[str | None] = mapped_column(String(40))
    log_tail: Mapped[str | None] = mapped_column(Text)
    data_sha256: Mapped[str | None] = mapped_column(String(64))
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class Measurement(Base):
    """One point of an attempt's learning curve."""

    __tablename__ = "measurements"
    __table_args__ = (
        ForeignKeyConstraint(
            ["campaign_id", "trial", "attempt"],
            ["attempts.campaign_id", "attempts.trial", "attempts.number"],
        ),
    )

    campaign_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    trial: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    attempt: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    step: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    values: Mapped[dict[str, Any]]


class Final(Base):
    """The training of one finalist, or of the baseline, with one seed. `attempt_started_at` is when an attempt that is
    running was handed out; null between attempts and after the last. `worker_started_at` is of the latest attempt.
    """

    __tablename__ = "finals"
    __table_args__ = (ForeignKeyConstraint(["campaign_id", "trial"], ["trials.campaign_id", "trials.number"]),)

    campaign_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    trial: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    seed: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int]
    attempt_started_at: Mapped[datetime | None]
    reward: Mapped[float | None]
    metrics: Mapped[dict[str, Any] | None]
    error: Mapped[str | None] = mapped_column(Text)
    error_kind: Mapped[str | None] = mapped_column(String(40))
    log_tail: Mapped[str | None] = mapped_column(Text)
    data_sha256: Mapped[str | None] = mapped_column(String(64))
    progress_step: Mapped[int | None]
    progress_total: Mapped[int | None]
    started_at: Mapped[datetime]
    worker_started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class ControllerState(Base):
    """The latest controller of a campaign: one row per campaign.

    A replay computes every earlier state from the seed and the events, so a history would only take space: a state has
    about 200 kB, and a campaign has thousands of them. The event of each reward has the digest.
    """

    __tablename__ = "controller_states"

    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaigns.id"), primary_key=True)
    sequence: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(Text)


class Event(Base):
    """An event of a campaign; `sequence` has no gaps within a campaign."""

    __tablename__ = "events"

    campaign_id: Mapped[str] = mapped_column(ForeignKey("campaigns.id"), primary_key=True)
    sequence: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(40))
    data: Mapped[dict[str, Any]]


class ApiKey(Base):
    """A key of the service: its hash, never the key; after a rotation also the hash of the old secret for a while."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    scope: Mapped[str] = mapped_column(String(16))
    secret_sha256: Mapped[str] = mapped_column(String(64))
    previous_sha256: Mapped[str | None] = mapped_column(String(64))
    previous_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    rotated_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class LoginSession(Base):
    """A browser that has logged in to the dashboard with a key: the hash of its cookie's token."""

    __tablename__ = "login_sessions"
    __table_args__ = (Index("ix_login_sessions_key_id", "key_id"),)

    token_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    key_id: Mapped[str] = mapped_column(ForeignKey("api_keys.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class IdempotencyKey(Base):
    """The idempotency key of a caller's request, and its response; `status` is null until there is one."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_created_at", "created_at"),)

    caller: Mapped[str] = mapped_column(String(16), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    campaign_id: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime]
    held_until: Mapped[datetime]
    status: Mapped[int | None]
    headers: Mapped[dict[str, Any] | None]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
