"""The conditions that end a search before its last trial: `stop` in the specification. They do not bound finals.

They are checked in the transaction that writes an outcome, so no outcome follows the one that ends the campaign. The
runner's heartbeat also checks the wall time.
"""

from __future__ import annotations

from datetime import datetime

from nas_controller.search.stop_spec import StopSpec
from nas_controller.states import StopReason
from nas_controller.store import models
from nas_controller.store.records import CampaignRecord


def reached_condition(campaign: models.Campaign, now: datetime) -> StopReason | None:
    """The first condition that a locked campaign meets; None if it meets none, or all its trials are finished."""
    document = campaign.spec.get("stop")
    if document is None or campaign.trials_finished >= campaign.spec["trials"]:
        return None
    stop = StopSpec.model_validate(document)
    best = campaign.best_reward
    if stop.target_reward is not None and best is not None and best >= stop.target_reward:
        return "target_reward"
    if stop.no_improvement_trials is not None and campaign.trials_since_best >= stop.no_improvement_trials:
        return "no_improvement_trials"
    if stop.device_hours is not None and campaign.device_seconds >= stop.device_hours * 3600:
        return "device_hours"
    if _is_out_of_time(stop, campaign.started_at, campaign.paused_seconds, now):
        return "wall_seconds"
    return None


def is_out_of_time(campaign: CampaignRecord, now: datetime) -> bool:
    """Whether the search of a campaign has run for its `wall_seconds`, without pauses."""
    stop = campaign.spec.stop
    return (
        stop is not None
        and not campaign.is_in_finals
        and _is_out_of_time(stop, campaign.started_at, campaign.paused_seconds, now)
    )


def _is_out_of_time(stop: StopSpec, started_at: datetime | None, paused_seconds: float, now: datetime) -> bool:
    if stop.wall_seconds is None or started_at is None:
        return False
    return (now - started_at).total_seconds() - paused_seconds >= stop.wall_seconds
