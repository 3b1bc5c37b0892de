"""Pausing campaigns and letting them go on.

`drain` lets the trials in training finish and begins nothing new; `abort` gives them up at once. Either way their
runner ends then, and nothing of the campaign runs until it is resumed. Trials without an outcome stay `running` in the
record: the next runner begins them again, from their checkpoints where there are any.
"""

from __future__ import annotations

from nas_controller.states import PauseMode
from nas_controller.store.database import Database
from nas_controller.store.errors import ConflictError
from nas_controller.store.lifecycle import Clock, abandon_attempts, add_event, end_pause, owned_campaign
from nas_controller.store.mappers import campaign_record
from nas_controller.store.queries import find_campaign
from nas_controller.store.records import CampaignRecord, Lease


class Pauses:
    """Pausing and resuming. All raise StoreUnavailableError when the database is away."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def request_pause(self, campaign_id: str, mode: PauseMode = "drain") -> CampaignRecord:
        """Asks a campaign to pause; asking again changes nothing, but `abort` hurries a drain.

        A pending campaign is `paused` at once; a running one is `pausing` until its runner has let go. Raises
        NotFoundError, and ConflictError when it is stopping or over.
        """
        now = self._clock()
        with self._database.writing() as session:
            row = find_campaign(session, campaign_id, lock=True)
            if row.state not in ("pending", "running", "pausing", "paused"):
                raise ConflictError(
                    f"campaign '{campaign_id}' is {row.state} and cannot be paused; only one that is pending or "
                    "running can be",
                    field="state",
                )
            hurried = row.state == "pausing" and row.pause_mode == "drain" and mode == "abort"
            if row.state == "pending":
                row.state, row.pause_mode, row.paused_at = "paused", mode, now
                add_event(session, row, now, "campaign.paused", {"mode": mode})
            elif row.state == "running" or hurried:
                row.state, row.pause_mode = "pausing", mode
                add_event(session, row, now, "campaign.pausing", {"mode": mode})
            return campaign_record(row)

    def request_resume(self, campaign_id: str) -> CampaignRecord:
        """Lets a paused campaign go on, or one that is still pausing; one that is not changes nothing.

        Raises NotFoundError, and ConflictError when it is stopping or over.
        """
        now = self._clock()
        with self._database.writing() as session:
            row = find_campaign(session, campaign_id, lock=True)
            if row.state not in ("pending", "running", "pausing", "paused"):
                raise ConflictError(
                    f"campaign '{campaign_id}' is {row.state} and cannot be resumed; only one that is pausing or "
                    "paused can be",
                    field="state",
                )
            if row.state in ("pausing", "paused"):
                end_pause(row, now)
                row.state = "pending" if row.started_at is None else "running"
                add_event(session, row, now, "campaign.resumed", {})
            return campaign_record(row)

    def pause_campaign(self, lease: Lease) -> CampaignRecord:
        """Gives the lease up and, if the campaign is still `pausing`, makes it `paused`: its runner has let go.

        Attempts still running are `abandoned`, their trials stay running. A campaign that was resumed or asked to stop
        meanwhile keeps that state, for the next runner to see. Raises LeaseLostError.
        """
        now = self._clock()
        with self._database.writing() as session:
            row = owned_campaign(session, lease, now)
            abandon_attempts(session, row, now)
            if row.state == "pausing":
                row.state, row.paused_at = "paused", now
                add_event(session, row, now, "campaign.paused", {"mode": row.pause_mode})
            row.lease_owner = None
            row.lease_expires_at = None
            return campaign_record(row)
