"""The tables of webhooks and of the messages to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from nas_controller.store.model_base import Base


class Webhook(Base):
    """A URL that receives events, with the secret that signs every message."""

    __tablename__ = "webhooks"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    url: Mapped[str] = mapped_column(Text)
    secret: Mapped[str] = mapped_column(String(100))
    events: Mapped[list[str]] = mapped_column(JSON(none_as_null=True))
    campaign_id: Mapped[str | None] = mapped_column(String(32))
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    disabled_because: Mapped[str | None] = mapped_column(Text)


class WebhookDelivery(Base):
    """A message to a webhook: the outbox. It is written with the event that causes it.

    `facts` are what its payload says of that moment; the first attempt makes the `payload` of them, which later ones
    repeat. A supervisor delivers it until `claimed_until`. Campaigns are named, not referred to: a message outlives its
    campaign.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        Index("ix_webhook_deliveries_state", "state", "next_attempt_at"),
        Index("ix_webhook_deliveries_webhook_id", "webhook_id", "id"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    webhook_id: Mapped[str] = mapped_column(ForeignKey("webhooks.id"))
    type: Mapped[str] = mapped_column(String(40))
    campaign_id: Mapped[str | None] = mapped_column(String(32))
    event: Mapped[int | None]
    facts: Mapped[dict[str, Any]]
    payload: Mapped[dict[str, Any] | None]
    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int]
    created_at: Mapped[datetime]
    next_attempt_at: Mapped[datetime | None]
    gives_up_at: Mapped[datetime]
    claimed_until: Mapped[datetime | None]
    last_attempt_at: Mapped[datetime | None]
    last_status: Mapped[int | None]
    last_response: Mapped[str | None] = mapped_column(Text)
    last_error: Mapped[str | None] = mapped_column(Text)
    last_seconds: Mapped[float | None]


class SinkCursor(Base):
    """How far a sink, such as the TensorBoard files, has the record of a campaign.

    `sequence` is the latest event that it has, `written` the number of entries that it has got, and `state` the sums up
    to there. `target` is the digest of the address of the sink. A supervisor writes until `claimed_until`.
    """

    __tablename__ = "sink_cursors"

    sink: Mapped[str] = mapped_column(String(16), primary_key=True)
    campaign_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    target: Mapped[str] = mapped_column(String(64))
    sequence: Mapped[int]
    written: Mapped[int]
    state: Mapped[dict[str, Any]]
    owner: Mapped[str | None] = mapped_column(String(40))
    claimed_until: Mapped[datetime | None]
