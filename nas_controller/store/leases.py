"""Leases: the right of a runner to write a campaign, from its claim until it pauses or ends the campaign."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from nas_controller.states import CampaignEvent, StopReason
from nas_controller.store import models
from nas_controller.store.campaign_endings import abandon_attempts, end_campaign
from nas_controller.store.clock import Clock
from nas_controller.store.database import Database
from nas_controller.store.errors import ConflictError, LeaseLostError
from nas_controller.store.events import add_event
from nas_controller.store.finals_starts import end_search
from nas_controller.store.mappers import campaign_record
from nas_controller.store.records import CampaignRecord, Lease
from nas_controller.store.row_lookup import find_campaign
from nas_controller.store.sanitising import sanitise
from nas_controller.store.stop_conditions import is_out_of_time
from nas_controller.store.transitions import CLAIMABLE_STATES, move_campaign

_FINAL_EVENTS: dict[str, CampaignEvent] = {"completed": "complete", "failed": "fail", "stopped": "end"}


class Leases:
    """Claiming, renewing and releasing campaigns. All raise StoreUnavailableError when the database is unavailable."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def runnable_campaigns(self) -> tuple[CampaignRecord, ...]:
        """Campaigns that need a runner and have none: claimable, without a valid lease; oldest first."""
        query = (
            select(models.Campaign)
            .where(
                models.Campaign.state.in_(CLAIMABLE_STATES),
                (models.Campaign.lease_expires_at.is_(None)) | (models.Campaign.lease_expires_at <= self._clock()),
            )
            .order_by(models.Campaign.id)
        )
        with self._database.reading() as session:
            return tuple(campaign_record(row) for row in session.scalars(query))

    def claim(self, campaign_id: str, owner: str, lease_seconds: float, facts: dict[str, Any] | None = None) -> Lease:
        """Makes `owner` the campaign's only writer for `lease_seconds`, unless it renews the lease.

        A pending campaign becomes `running`. Attempts that an earlier runner left running are `abandoned`;
        their trials stay running, for this runner to retry. `facts` (such as versions) are stored in the event. Raises
        NotFoundError, and ConflictError if the campaign is not claimable or another owner's lease has not expired.
        """
        now = self._clock()
        with self._database.writing() as session:
            row = find_campaign(session, campaign_id, lock=True)
            is_first = move_campaign(row, "claim")
            is_leased = row.lease_expires_at is not None and row.lease_expires_at > now
            if is_leased and row.lease_owner != owner:
                raise ConflictError(
                    f"campaign '{campaign_id}' is leased to '{row.lease_owner}' until {row.lease_expires_at}"
                )
            last_alive = row.lease_expires_at
            row.waiting_for = None
            row.lease_epoch += 1
            row.lease_owner = owner
            row.lease_expires_at = now + timedelta(seconds=lease_seconds)
            if is_first:
                row.started_at = now
                waited = (now - (row.queued_at or row.created_at)).total_seconds() - row.paused_seconds
                row.queue_seconds = max(0.0, waited)
            data = {"owner": owner, "epoch": row.lease_epoch, **(facts or {})}
            add_event(session, row, now, "campaign.claimed", data)
            row.attempts_lost += abandon_attempts(session, row, now, last_alive)
            return Lease(campaign_id, row.lease_epoch, owner, lease_seconds)

    def renew(self, lease: Lease) -> CampaignRecord:
        """Extends the lease by its seconds from now and returns the campaign, whose state may ask the runner to stop.

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
        """Ends the lease of `owner`, if it has one, since that runner has ended. Changes no trial.

        The lease expires now, so the device time of attempts still running ends now, whenever the next runner claims
        the campaign.
        """
        now, table = self._clock(), models.Campaign
        query = select(table).where(table.id == campaign_id, table.lease_owner == owner).with_for_update()
        with self._database.writing() as session:
            row = session.scalars(query).one_or_none()
            if row is not None:
                row.lease_owner = None
                row.lease_expires_at = min(now, row.lease_expires_at or now)

    def pause_campaign(self, lease: Lease) -> CampaignRecord:
        """Releases the lease and, if the campaign is still `pausing`, makes it `paused`.

        Attempts still running are `abandoned`, their trials stay running. A campaign that was resumed or stopped in the
        meantime keeps that state for the next runner. Raises LeaseLostError.
        """
        now = self._clock()
        with self._database.writing() as session:
            row = owned_campaign(session, lease, now)
            abandon_attempts(session, row, now)
            if row.state == "pausing":
                move_campaign(row, "suspend")
                row.paused_at = now
                add_event(session, row, now, "campaign.paused", {"mode": row.pause_mode})
            row.lease_owner = None
            row.lease_expires_at = None
            return campaign_record(row)

    def wait(self, lease: Lease, reason: str, kind: str) -> CampaignRecord:
        """Gives the lease up until what the campaign waits for is there; `kind` is the kind of the error.

        Attempts still running are `abandoned`, their trials stay running. The next claim ends the wait. Raises
        LeaseLostError.
        """
        now = self._clock()
        with self._database.writing() as session:
            row = owned_campaign(session, lease, now)
            abandon_attempts(session, row, now)
            row.waiting_for = sanitise(reason)
            add_event(session, row, now, "campaign.waiting", {"for": row.waiting_for, "kind": kind})
            row.lease_owner = None
            row.lease_expires_at = None
            return campaign_record(row)

    def finish_campaign(
        self,
        lease: Lease,
        state: str,
        error: str | None = None,
        because: StopReason | None = None,
        kind: str | None = None,
    ) -> CampaignRecord:
        """Ends the campaign as `completed`, `stopped` or `failed` (with the error's text) and releases the lease.
        `because` is the stop condition that completed its search: if it is to have finals, they begin instead, and the
        lease stays.

        Attempts still running are `abandoned` and their trials `stopped`. Raises LeaseLostError.
        """
        if state not in _FINAL_EVENTS:
            raise ValueError(f"a campaign cannot finish as '{state}'")
        now = self._clock()
        with self._database.writing() as session:
            row = owned_campaign(session, lease, now)
            if state == "completed":
                end_search(session, row, now, because)
            else:
                end_campaign(session, row, now, _FINAL_EVENTS[state], error, because, kind)
            return campaign_record(row)

    def complete_campaign(self, lease: Lease) -> CampaignRecord:
        """Ends the search and, without finals, the campaign, unless it was given more trials in the meantime.

        Raises LeaseLostError.
        """
        now = self._clock()
        with self._database.writing() as session:
            row = owned_campaign(session, lease, now)
            if row.trials_finished >= row.spec["trials"]:
                end_search(session, row, now)
            return campaign_record(row)


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
