"""Ends campaigns, pauses and running attempts in the transaction of a caller that has locked the campaign."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from nas_controller.search.resources_spec import ResourcesSpec
from nas_controller.states import CampaignEvent, SharedTrainingState, StopReason
from nas_controller.store import models
from nas_controller.store.events import add_event
from nas_controller.store.sanitising import sanitise
from nas_controller.store.transitions import move_campaign, move_trial


def end_campaign(
    session: Session,
    campaign: models.Campaign,
    now: datetime,
    event: CampaignEvent,
    error: str | None = None,
    because: StopReason | None = None,
    kind: str | None = None,
) -> None:
    """Ends a locked campaign by an event that leads to a final state: afterwards none of its attempts and trials runs
    and no runner has its lease. Raises ConflictError if its state does not allow the event.
    """
    move_campaign(campaign, event)
    error = sanitise(error)
    stop_running(session, campaign, now)
    if campaign.finals is not None and campaign.finals["state"] == "running":
        campaign.finals = {**campaign.finals, "state": "interrupted"}
    end_pause(campaign, now)
    campaign.error = error
    campaign.error_kind = kind
    campaign.waiting_for = None
    campaign.stopped_because = because
    campaign.finished_at = now
    campaign.lease_owner = None
    campaign.lease_expires_at = None
    data: dict[str, Any] = {} if error is None else {"error": error}
    if kind is not None:
        data["kind"] = kind
    if because is not None:
        data["because"] = because
    add_event(session, campaign, now, f"campaign.{campaign.state}", data)


def stop_running(session: Session, campaign: models.Campaign, now: datetime) -> None:
    """Ends every running attempt and trial of a locked campaign without an outcome."""
    abandon_attempts(session, campaign, now)
    query = select(models.Trial).where(models.Trial.campaign_id == campaign.id, models.Trial.state == "running")
    for trial in session.scalars(query.order_by(models.Trial.number)):
        move_trial(trial, "stop")
        trial.finished_at = now
        add_event(session, campaign, now, "trial.stopped", {"number": trial.number})


def reopen(campaign: models.Campaign, now: datetime) -> None:
    """Makes a locked campaign that had ended as it was before; the time in between counts as paused."""
    if campaign.finished_at is not None:
        campaign.paused_seconds += max(0.0, (now - campaign.finished_at).total_seconds())
    campaign.finished_at = None
    campaign.error = None
    campaign.error_kind = None


def restart_trials(session: Session, campaign: models.Campaign) -> list[int]:
    """Makes every trial that was stopped with a locked campaign running again; returns their numbers."""
    query = select(models.Trial).where(models.Trial.campaign_id == campaign.id, models.Trial.state == "stopped")
    numbers = []
    for trial in session.scalars(query.order_by(models.Trial.number)):
        move_trial(trial, "retry")
        trial.finished_at = None
        numbers.append(trial.number)
    return numbers


def end_pause(campaign: models.Campaign, now: datetime) -> None:
    """Ends the pause of a locked campaign and adds its duration to the total."""
    if campaign.paused_at is not None:
        campaign.paused_seconds += max(0.0, (now - campaign.paused_at).total_seconds())
    campaign.paused_at = None
    campaign.pause_mode = None


def abandon_attempts(
    session: Session, campaign: models.Campaign, now: datetime, last_alive: datetime | None = None
) -> int:
    """Marks every running attempt of a locked campaign as abandoned and returns their number; those at its shared
    weights and of its finals count too. If their runner was lost, their device time ends at `last_alive`, its last sign
    of life.
    """
    alive_until = now if last_alive is None else min(now, last_alive)
    count = 0
    shared = end_shared_attempt(campaign, now, "abandoned", alive_until)
    if shared is not None:
        add_event(session, campaign, now, "shared-training.abandoned", {"attempt": shared})
        count += 1
    query = select(models.Attempt).where(models.Attempt.campaign_id == campaign.id, models.Attempt.state == "running")
    for attempt in session.scalars(query.order_by(models.Attempt.trial, models.Attempt.number)):
        attempt.state = "abandoned"
        attempt.finished_at = now
        trial = session.get_one(models.Trial, (campaign.id, attempt.trial))
        add_device_time(campaign, attempt_seconds(trial.worker_started_at, alive_until))
        data = {"number": attempt.trial, "attempt": attempt.number}
        add_event(session, campaign, now, "attempt.abandoned", data)
        count += 1
    table = models.Final
    running = select(table).where(table.campaign_id == campaign.id, table.attempt_started_at.is_not(None))
    for final in session.scalars(running.order_by(table.seed, table.trial)):
        end_final_attempt(campaign, final, alive_until)
        data = {"trial": final.trial, "seed": final.seed, "attempt": final.attempts}
        add_event(session, campaign, now, "final.abandoned", data)
        count += 1
    return count


def end_final_attempt(
    campaign: models.Campaign, final: models.Final, until: datetime, seconds: float | None = None
) -> bool:
    """Ends the attempt at a training of the finals that is running, with its device time; False if none is.

    `seconds` is what its worker measured, None if it reported nothing.
    """
    if final.attempt_started_at is None:
        return False
    add_device_time(campaign, attempt_seconds(final.worker_started_at, until, seconds))
    final.attempt_started_at = None
    return True


def end_shared_attempt(
    campaign: models.Campaign,
    now: datetime,
    state: SharedTrainingState,
    alive_until: datetime | None = None,
    worker_seconds: float | None = None,
    **changes: Any,
) -> int | None:
    """Ends the running attempt at the shared weights of a locked campaign as `state`, with further `changes` of its
    document; returns its number, None if none is running. `worker_seconds` are the `seconds` of `attempt_seconds`.
    """
    before = campaign.shared_training
    if before is None or before["state"] != "running":
        return None
    text = before.get("worker_started_at")
    since = None if text is None else datetime.fromisoformat(text)
    seconds = attempt_seconds(since, alive_until or now, worker_seconds)
    add_device_time(campaign, seconds, before.get("devices"))
    changes |= {
        "state": state,
        "seconds": before["seconds"] + seconds,
        "finished_at": now.isoformat(),
    }
    campaign.shared_training = {**before, **changes}
    return int(before["attempts"])


def add_device_time(campaign: models.Campaign, seconds: float, devices: float | None = None) -> None:
    """Adds the seconds of an attempt, multiplied by its `devices`, None for those of a trial, to a locked campaign."""
    if devices is None:
        devices = ResourcesSpec.model_validate(campaign.spec.get("resources", {})).devices
    campaign.device_seconds += devices * seconds


def attempt_seconds(since: datetime | None, until: datetime, seconds: float | None = None) -> float:
    """The seconds for which an attempt held its worker.

    They are those that the worker told with its result, `seconds`; without, those from its begin, `since`, to the known
    end. What it waits for the commit after that is not its time. One that no worker has begun has taken none.
    """
    if since is None:
        return 0.0
    return max(0.0, (until - since).total_seconds() if seconds is None else seconds)
