"""Appending to the events of a campaign."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from nas_controller.store import models


def add_event(session: Session, campaign: models.Campaign, now: datetime, kind: str, data: dict[str, Any]) -> int:
    """Appends an event to a locked campaign and returns its sequence."""
    campaign.last_event += 1
    session.add(models.Event(campaign_id=campaign.id, sequence=campaign.last_event, at=now, kind=kind, data=data))
    return campaign.last_event
