"""The time that a campaign has run.

`wallSeconds` of api/dashboard/static/format.js has the same rule; both are tested with the same cases.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api.documents import CampaignDocument


def end_of(campaign: CampaignDocument, now: datetime) -> datetime:
    """The end of a campaign, the begin of its current pause, or `now`."""
    return campaign.finished_at or campaign.paused_at or now


def wall_seconds(campaign: CampaignDocument, now: datetime) -> float | None:
    """The seconds from the start of a campaign to `end_of` it, without pauses, at least 0; None before the start."""
    if campaign.started_at is None:
        return None
    return max(0.0, (end_of(campaign, now) - campaign.started_at).total_seconds() - campaign.paused_seconds)
