"""How far each sink has the record of each campaign, and which supervisor writes it there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from nas_controller.entities.sinks import SinkPosition
from nas_controller.store import models
from nas_controller.store.clock import Clock
from nas_controller.store.database import Database
from nas_controller.store.errors import LeaseLostError

CLAIM_SECONDS = 120.0


@dataclass(frozen=True)
class SinkClaim:
    """The right to write a campaign to a sink, from `position` on."""

    sink: str
    campaign_id: str
    owner: str
    position: SinkPosition


class SinkCursors:
    """Positions of sinks. All raise StoreUnavailableError when the database is unavailable."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def claim_sink(self, sink: str, target: str, owner: str, passed: frozenset[str] = frozenset()) -> SinkClaim | None:
        """Claims a campaign with events that a sink does not have, the newest first, without those `passed` over; None
        if there is none. Another `target` than before has nothing of it.
        """
        table, campaign, now = models.SinkCursor, models.Campaign, self._clock()
        is_behind = or_(table.sequence.is_(None), table.target != target, table.sequence < campaign.last_event)
        is_free = or_(table.claimed_until.is_(None), table.claimed_until <= now, table.owner == owner)
        query = (
            select(campaign.id)
            .outerjoin(table, and_(table.campaign_id == campaign.id, table.sink == sink))
            .where(is_behind, is_free, campaign.started_at.is_not(None), campaign.id.not_in(passed))
            .order_by(campaign.id.desc())
            .limit(1)
        )
        with self._database.single_statement() as connection:
            found = connection.execute(query).first()
        if found is None:
            return None
        with self._database.writing() as session:
            row = session.get(table, (sink, found.id), with_for_update=True)
            if row is None:
                row = table(sink=sink, campaign_id=found.id, target=target, sequence=0, written=0, state={})
                session.add(row)
            elif row.claimed_until is not None and row.claimed_until > now and row.owner != owner:
                return None
            if row.target != target:
                row.target, row.sequence, row.written, row.state = target, 0, 0, {}
            row.owner, row.claimed_until = owner, now + timedelta(seconds=CLAIM_SECONDS)
            position = SinkPosition(sequence=row.sequence, written=row.written, state=row.state)
            return SinkClaim(sink, found.id, owner, position)

    def save_sink_cursor(self, claim: SinkClaim, position: SinkPosition) -> None:
        """Stores the position that was written, and extends the claim. Raises LeaseLostError if it has expired and
        another supervisor has the campaign.
        """
        with self._database.writing() as session:
            row = _owned(session, claim)
            row.sequence, row.written, row.state = position.sequence, position.written, position.state
            row.claimed_until = self._clock() + timedelta(seconds=CLAIM_SECONDS)

    def release_sink(self, claim: SinkClaim) -> None:
        """Gives the claim up. Raises LeaseLostError as `save_sink_cursor`."""
        with self._database.writing() as session:
            row = _owned(session, claim)
            row.owner = row.claimed_until = None


def _owned(session: Session, claim: SinkClaim) -> models.SinkCursor:
    row = session.get(models.SinkCursor, (claim.sink, claim.campaign_id), with_for_update=True)
    if row is None or row.owner != claim.owner:
        raise LeaseLostError(f"campaign '{claim.campaign_id}': {claim.sink} is written by another supervisor")
    return row
