"""Campaigns from creation to their end, and the leases that say which runner may write one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from nas_controller.search.campaign_spec import CampaignSpec, ResourcesSpec
from nas_controller.states import CLAIMABLE_CAMPAIGN_STATES, FINISHED_CAMPAIGN_STATES, StopReason
from nas_controller.store import models
from nas_controller.store.campaign_ids import new_campaign_id
from nas_controller.store.database import Database
from nas_controller.store.errors import ConflictError, LeaseLostError
from nas_controller.store.mappers import campaign_record
from nas_controller.store.queries import find_campaign
from nas_controller.store.records import CampaignRecord, Lease
from nas_controller.store.sanitising import storable
from nas_controller.store.stop_conditions import is_out_of_time

Clock = Callable[[], datetime]


class Lifecycle:
    """Creating, stopping, claiming and finishing campaigns. All raise StoreUnavailableError when the
    database is away.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create_campaign(
        self, spec: CampaignSpec, campaign_id: str | None = None, *, draft: bool = False
    ) -> CampaignRecord:
        """A new campaign in state `pending`, which a supervisor will start, or a `draft`, which waits to be started.

        `campaign_id` is an id that was reserved for it (`IdempotencyKeys.reserve_key`); a campaign that has it already
        is the one that was asked for, and is returned as it is.
        """
        now = self._clock()
        with self._database.writing() as session:
            made = None if campaign_id is None else session.get(models.Campaign, campaign_id)
            if made is not None:
                return campaign_record(made)
            row = models.Campaign(
                id=campaign_id or new_campaign_id(now),
                name=spec.name,
                state="draft" if draft else "pending",
                spec=spec.model_dump(mode="json"),
                created_at=now,
                trials_begun=0,
                trials_finished=0,
                last_event=0,
                lease_epoch=0,
                paused_seconds=0.0,
                device_seconds=0.0,
                trials_since_best=0,
                progress_reports=0,
                first_reports=0,
                first_report_seconds=0.0,
                trials_failed=0,
                rewards_accepted=0,
                workers_killed=0,
                attempts_lost=0,
            )
            session.add(row)
            session.flush()
            add_event(session, row, now, "campaign.created", {"name": spec.name})
            return campaign_record(row)

    def request_stop(self, campaign_id: str) -> CampaignRecord:
        """Asks a campaign to stop; asking again changes nothing.

        A campaign that nothing runs (a draft, pending or paused) is `stopped` at once; a running one is `stopping`
        until its runner has let go of its trials. Raises NotFoundError, and ConflictError when it has already completed
        or failed.
        """
        now = self._clock()
        with self._database.writing() as session:
            row = find_campaign(session, campaign_id, lock=True)
            if row.state in ("completed", "failed"):
                raise ConflictError(f"campaign '{campaign_id}' is {row.state} and cannot be stopped", field="state")
            if row.state in ("draft", "pending", "paused"):
                finish(session, row, now, "stopped", None)
            elif row.state in ("running", "pausing"):
                row.pause_mode = None
                row.state = "stopping"
                add_event(session, row, now, "campaign.stopping", {})
            return campaign_record(row)

    def claim(self, campaign_id: str, owner: str, lease_seconds: float, facts: dict[str, Any] | None = None) -> Lease:
        """Makes `owner` the campaign's only writer for `lease_seconds`, to be renewed before they are over.

        A pending campaign becomes `running`. Attempts that an earlier runner left running are `abandoned`;
        their trials stay running, for this runner to retry. `facts` (versions, say) go into the event.
        Raises NotFoundError, and ConflictError when the campaign is finished or another owner's lease has
        not expired.
        """
        now = self._clock()
        with self._database.writing() as session:
            row = find_campaign(session, campaign_id, lock=True)
            if row.state not in CLAIMABLE_CAMPAIGN_STATES:
                raise ConflictError(f"campaign '{campaign_id}' is {row.state} and needs no runner", field="state")
            held = row.lease_expires_at is not None and row.lease_expires_at > now
            if held and row.lease_owner != owner:
                raise ConflictError(
                    f"campaign '{campaign_id}' is held by '{row.lease_owner}' until {row.lease_expires_at}"
                )
            last_alive = row.lease_expires_at
            row.lease_epoch += 1
            row.lease_owner = owner
            row.lease_expires_at = now + timedelta(seconds=lease_seconds)
            if row.state == "pending":
                row.state = "running"
                row.started_at = now
                waited = (now - (row.queued_at or row.created_at)).total_seconds() - row.paused_seconds
                row.queue_seconds = max(0.0, waited)
            data = {"owner": owner, "epoch": row.lease_epoch, **(facts or {})}
            add_event(session, row, now, "campaign.claimed", data)
            row.attempts_lost += abandon_attempts(session, row, now, last_alive)
            return Lease(campaign_id, row.lease_epoch, owner, lease_seconds)

    def renew(self, lease: Lease) -> CampaignRecord:
        """Extends the lease by its seconds from now and returns the campaign as it stands (is it
        `stopping`?).

        Raises LeaseLostError when the lease has expired or another runner has claimed the campaign.
        """
        now = self._clock()
        with self._database.writing() as session:
            row = owned_campaign(session, lease, now)
            row.lease_expires_at = now + timedelta(seconds=lease.seconds)
            return campaign_record(row)

    def is_out_of_time(self, campaign: CampaignRecord) -> bool:
        """Whether a campaign has run for the `wall_seconds` of its stop conditions."""
        return is_out_of_time(campaign, self._clock())

    def release(self, campaign_id: str, owner: str) -> None:
        """Ends `owner`'s lease, if it holds one: that runner is known to be gone. Changes no trial."""
        with self._database.writing() as session:
            session.execute(
                update(models.Campaign)
                .where(models.Campaign.id == campaign_id, models.Campaign.lease_owner == owner)
                .values(lease_expires_at=None, lease_owner=None)
            )

    def finish_campaign(
        self, lease: Lease, state: str, error: str | None = None, because: StopReason | None = None
    ) -> CampaignRecord:
        """Ends the campaign as `completed`, `stopped` or `failed` (with the error's text) and gives the
        lease up. `because` is the stop condition that has completed it.

        Attempts still running are `abandoned` and their trials `stopped`. Raises LeaseLostError.
        """
        if state not in FINISHED_CAMPAIGN_STATES:
            raise ValueError(f"a campaign cannot finish as '{state}'")
        now = self._clock()
        with self._database.writing() as session:
            row = owned_campaign(session, lease, now)
            finish(session, row, now, state, error, because)
            return campaign_record(row)

    def complete_campaign(self, lease: Lease) -> CampaignRecord:
        """Ends the campaign as `completed`, unless it was given more trials meanwhile; then it goes on. Raises
        LeaseLostError.
        """
        now = self._clock()
        with self._database.writing() as session:
            row = owned_campaign(session, lease, now)
            if row.trials_finished >= row.spec["trials"]:
                finish(session, row, now, "completed", None)
            return campaign_record(row)

    def runnable_campaigns(self) -> tuple[CampaignRecord, ...]:
        """Campaigns that want a runner and have none: claimable, with no live lease; oldest first."""
        query = (
            select(models.Campaign)
            .where(
                models.Campaign.state.in_(CLAIMABLE_CAMPAIGN_STATES),
                (models.Campaign.lease_expires_at.is_(None)) | (models.Campaign.lease_expires_at <= self._clock()),
            )
            .order_by(models.Campaign.id)
        )
        with self._database.reading() as session:
            return tuple(campaign_record(row) for row in session.scalars(query))


def owned_campaign(session: Session, lease: Lease, now: datetime) -> models.Campaign:
    """The campaign's row, locked, for a runner that still holds its lease. Raises LeaseLostError."""
    row = find_campaign(session, lease.campaign_id, lock=True)
    if row.lease_epoch != lease.epoch or row.lease_owner != lease.owner:
        raise LeaseLostError(
            f"campaign '{row.id}': lease {lease.epoch} of '{lease.owner}' has lost to lease {row.lease_epoch}"
        )
    if row.lease_expires_at is None or row.lease_expires_at <= now:
        raise LeaseLostError(f"campaign '{row.id}': lease {lease.epoch} of '{lease.owner}' has expired")
    return row


def add_event(session: Session, campaign: models.Campaign, now: datetime, kind: str, data: dict[str, Any]) -> int:
    """Appends an event to a locked campaign and returns its sequence."""
    campaign.last_event += 1
    session.add(models.Event(campaign_id=campaign.id, sequence=campaign.last_event, at=now, kind=kind, data=data))
    return campaign.last_event


def abandon_attempts(
    session: Session, campaign: models.Campaign, now: datetime, last_alive: datetime | None = None
) -> int:
    """Marks every running attempt of a locked campaign as abandoned; how many those were. Where their runner was lost,
    they have taken device time until `last_alive` at the most.
    """
    count = 0
    query = select(models.Attempt).where(models.Attempt.campaign_id == campaign.id, models.Attempt.state == "running")
    for attempt in session.scalars(query.order_by(models.Attempt.trial, models.Attempt.number)):
        attempt.state = "abandoned"
        attempt.finished_at = now
        count_device_time(campaign, attempt, now if last_alive is None else min(now, last_alive))
        data = {"number": attempt.trial, "attempt": attempt.number}
        add_event(session, campaign, now, "attempt.abandoned", data)
        count += 1
    return count


def count_device_time(campaign: models.Campaign, attempt: models.Attempt, until: datetime) -> None:
    """Adds what an attempt has taken, on all devices of its worker, to a locked campaign."""
    devices = ResourcesSpec.model_validate(campaign.spec.get("resources", {})).devices
    campaign.device_seconds += devices * max(0.0, (until - attempt.started_at).total_seconds())


def end_pause(campaign: models.Campaign, now: datetime) -> None:
    """Forgets that a locked campaign was pausing or paused, and counts the time."""
    if campaign.paused_at is not None:
        campaign.paused_seconds += max(0.0, (now - campaign.paused_at).total_seconds())
    campaign.paused_at = None
    campaign.pause_mode = None


def finish(
    session: Session,
    campaign: models.Campaign,
    now: datetime,
    state: str,
    error: str | None,
    because: StopReason | None = None,
) -> None:
    """Ends a locked campaign: no attempt and no trial of it is running afterwards, and nobody holds it."""
    error = storable(error)
    abandon_attempts(session, campaign, now)
    query = select(models.Trial).where(models.Trial.campaign_id == campaign.id, models.Trial.state == "running")
    for trial in session.scalars(query.order_by(models.Trial.number)):
        trial.state = "stopped"
        trial.finished_at = now
        add_event(session, campaign, now, "trial.stopped", {"number": trial.number})
    end_pause(campaign, now)
    campaign.state = state
    campaign.error = error
    campaign.stopped_because = because
    campaign.finished_at = now
    campaign.lease_owner = None
    campaign.lease_expires_at = None
    data: dict[str, Any] = {} if error is None else {"error": error}
    if because is not None:
        data["because"] = because
    add_event(session, campaign, now, f"campaign.{state}", data)
