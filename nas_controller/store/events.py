"""Appending to the events of a campaign."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from nas_controller.store import models
from nas_controller.store.webhook_outbox import queue_messages


def add_event(session: Session, campaign: models.Campaign, now: datetime, kind: str, data: dict[str, Any]) -> int:
    """Appends an event to a locked campaign, with the messages to webhooks that it causes, and returns its sequence."""
    campaign.last_event += 1
    session.add(models.Event(campaign_id=campaign.id, sequence=campaign.last_event, at=now, kind=kind, data=data))
    queue_messages(session, campaign, now, kind, data)
    return campaign.last_event
