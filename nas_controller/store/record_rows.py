"""The rows of a whole campaign at one moment, for `effspine campaign verify`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import JSON, ColumnElement, RowMapping, Select, Text, cast, select

from nas_controller.store import models
from nas_controller.store.database import Database
from nas_controller.store.mappers import event_record
from nas_controller.store.records import EventRecord
from nas_controller.store.row_lookup import require_campaign

StoredRow: TypeAlias = RowMapping
"""The columns of a row by name. JSON columns are texts as the database has them: parsed, they would take several times
the memory.
"""

_SPECIFYING = ("campaign.created", "campaign.updated")


@dataclass(frozen=True)
class RecordRows:
    """A campaign's row, its trials by number, its attempts by trial and number, the trainings of its finals by trial
    and seed, and its controller's row, if any.

    `specified` is the event that wrote the specification last, if there is one. `columns` names the columns of each of
    these tables and of `events`.
    """

    campaign: StoredRow
    trials: Mapping[int, StoredRow]
    attempts: Mapping[tuple[int, int], StoredRow]
    finals: Mapping[tuple[int, int], StoredRow]
    controller: StoredRow | None
    specified: EventRecord | None
    columns: Mapping[str, tuple[str, ...]]


class RecordQuery:
    """Reads whole campaigns. Raises StoreUnavailableError when the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record_rows(self, campaign_id: str) -> RecordRows:
        """The rows of a campaign, all of one moment. Raises NotFoundError."""
        campaign, trial, attempt = models.Campaign, models.Trial, models.Attempt
        event, state, final = models.Event, models.ControllerState, models.Final
        with self._database.reading() as session:
            require_campaign(session, campaign_id)
            connection = session.connection()
            found = connection.execute(_stored(campaign).where(campaign.id == campaign_id)).one()
            trials = connection.execute(_stored(trial).where(trial.campaign_id == campaign_id))
            attempts = connection.execute(_stored(attempt).where(attempt.campaign_id == campaign_id))
            finals = connection.execute(_stored(final).where(final.campaign_id == campaign_id))
            controller = connection.execute(_stored(state).where(state.campaign_id == campaign_id)).one_or_none()
            specified = connection.execute(
                select(*event.__table__.columns)
                .where(event.campaign_id == campaign_id, event.kind.in_(_SPECIFYING))
                .order_by(event.sequence.desc())
                .limit(1)
            ).one_or_none()
            return RecordRows(
                campaign=found._mapping,
                trials={row.number: row._mapping for row in trials},
                attempts={(row.trial, row.number): row._mapping for row in attempts},
                finals={(row.trial, row.seed): row._mapping for row in finals},
                controller=None if controller is None else controller._mapping,
                specified=None if specified is None else event_record(specified),
                columns={
                    each.__tablename__: tuple(each.__table__.columns.keys())
                    for each in (campaign, trial, attempt, final, event, state)
                },
            )


def _stored(model: type[models.Base]) -> Select[Any]:
    return select(*(_as_stored(column) for column in model.__table__.columns))


def _as_stored(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(column, Text).label(column.key) if isinstance(column.type, JSON) else column
