"""What anybody may ask of the store. Every method is one consistent read that never blocks a writer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from types import NoneType
from typing import Any

from sqlalchemy import Connection, Row, Select, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from nas_controller.states import CAMPAIGN_STATES, TRIAL_ORDERS, TRIAL_STATES
from nas_controller.store import models
from nas_controller.store.cursors import MAX_INTEGER, checked_limit, decode, encode
from nas_controller.store.database import Database
from nas_controller.store.errors import NotFoundError
from nas_controller.store.in_clause import in_numbers
from nas_controller.store.mappers import (
    attempt_record,
    campaign_record,
    event_record,
    measurement_record,
    trial_record,
)
from nas_controller.store.records import (
    CampaignRecord,
    ControllerStateRecord,
    EventRecord,
    Page,
    TrialDetail,
    TrialRecord,
)
from search_space.errors import InvalidValueError

# Plain rows: a thousand objects that a session keeps track of take several times as long.
_TRIALS = select(*models.Trial.__table__.columns)


class Queries:
    """Queries. All raise StoreUnavailableError when the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get_campaign(self, campaign_id: str) -> CampaignRecord:
        """The campaign. Raises NotFoundError."""
        with self._database.reading() as session:
            return campaign_record(find_campaign(session, campaign_id))

    def list_campaigns(
        self, state: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[CampaignRecord]:
        """Campaigns, newest first, of one state or of all.

        Raises InvalidValueError for a state, limit (1 to 1,000) or cursor that is none.
        """
        if state is not None and state not in CAMPAIGN_STATES:
            raise InvalidValueError(f"state '{state}' is none of {', '.join(CAMPAIGN_STATES)}", field="state")
        query = select(models.Campaign).order_by(models.Campaign.id.desc()).limit(checked_limit(limit) + 1)
        if state is not None:
            query = query.where(models.Campaign.state == state)
        if cursor is not None:
            query = query.where(models.Campaign.id < decode(cursor, (str,))[0])
        with self._database.reading() as session:
            rows = session.scalars(query).all()
        items = tuple(campaign_record(row) for row in rows[:limit])
        return Page(items, encode([items[-1].id]) if len(rows) > limit else None)

    def get_trial(self, campaign_id: str, number: int) -> TrialDetail:
        """A trial with its attempts and its learning curve. Raises NotFoundError."""
        with self._database.reading() as session:
            require_campaign(session, campaign_id)
            trial = find_trial(session, campaign_id, number)
            attempts = session.scalars(
                select(models.Attempt)
                .where(models.Attempt.campaign_id == campaign_id, models.Attempt.trial == number)
                .order_by(models.Attempt.number)
            ).all()
            curve = session.execute(
                select(*models.Measurement.__table__.columns)
                .where(models.Measurement.campaign_id == campaign_id, models.Measurement.trial == number)
                .order_by(models.Measurement.attempt, models.Measurement.step)
            )
            return TrialDetail(
                trial_record(trial),
                tuple(attempt_record(row) for row in attempts),
                tuple(measurement_record(row) for row in curve),
            )

    def get_trial_record(self, campaign_id: str, number: int) -> TrialRecord:
        """A trial alone, without attempts and learning curve. Raises NotFoundError."""
        table = models.Trial
        query = _TRIALS.where(table.campaign_id == _storable(campaign_id), table.number == _bounded(number))
        with self._database.reading() as session:
            row = session.connection().execute(query).one_or_none()
            if row is None:
                require_campaign(session, campaign_id)
                raise _no_trial(campaign_id, number)
        return trial_record(row)

    def latest_trained(self, campaign_id: str, count: int) -> tuple[int, ...]:
        """The numbers of the latest trials that are no repeats, latest first. Raises NotFoundError."""
        table = models.Trial
        query = select(table.number).where(table.campaign_id == campaign_id, table.reused_from.is_(None))
        with self._database.reading() as session:
            require_campaign(session, campaign_id)
            return tuple(session.scalars(query.order_by(table.number.desc()).limit(count)))

    def best_trials(self, campaign_id: str, k: int = 1) -> tuple[TrialRecord, ...]:
        """The k completed trials with the highest rewards, each architecture once, the earlier of equals
        first.

        Raises NotFoundError, and InvalidValueError for k outside 1 to 1,000.
        """
        with self._database.reading() as session:
            return tuple(trial_record(row) for row in best_of_trials(session, _TRIALS, campaign_id, k))

    def events_after(self, campaign_id: str, sequence: int = 0, limit: int = 100) -> tuple[EventRecord, ...]:
        """Up to `limit` events later than `sequence`, oldest first; empty when there are none yet.

        Raises NotFoundError, and InvalidValueError for a limit outside 1 to 1,000.
        """
        query = (
            select(models.Event)
            .where(models.Event.campaign_id == campaign_id, models.Event.sequence > _bounded(sequence))
            .order_by(models.Event.sequence)
            .limit(checked_limit(limit))
        )
        with self._database.reading() as session:
            require_campaign(session, campaign_id)
            return tuple(event_record(row) for row in session.scalars(query))

    def controller_state(self, campaign_id: str) -> ControllerStateRecord | None:
        """The controller after the latest reward, or None before the first. Raises NotFoundError."""
        with self._database.reading() as session:
            require_campaign(session, campaign_id)
            row = session.get(models.ControllerState, campaign_id)
        if row is None:
            return None
        return ControllerStateRecord(campaign_id, row.sequence, row.digest, json.loads(row.state))

    def controller_digest(self, campaign_id: str) -> str | None:
        """The digest of what `controller_state` gives, without reading that. Raises NotFoundError."""
        table = models.ControllerState
        with self._database.reading() as session:
            require_campaign(session, campaign_id)
            return session.scalar(select(table.digest).where(table.campaign_id == campaign_id))

    def trial_columns(self, campaign_id: str, *names: str) -> dict[str, list[Any]]:
        """Whole columns of the trials table, by trial number: `{"number": [0, 1], "reward": [0.1, None]}`.

        For resuming and for replays, without building records. Raises NotFoundError, and KeyError for a name that is no
        column.
        """
        query = (
            select(*(models.Trial.__table__.columns[name] for name in names))
            .where(models.Trial.campaign_id == campaign_id)
            .order_by(models.Trial.number)
        )
        with self._database.reading() as session:
            require_campaign(session, campaign_id)
            rows = session.execute(query).all()
        return {name: [row[place] for row in rows] for place, name in enumerate(names)}

    def intermediate_aps(self, campaign_id: str) -> tuple[tuple[int, int, float], ...]:
        """Every (trial, step, AP) that was measured while a trial trained, by trial, attempt and step.

        Raises NotFoundError.
        """
        table = models.Measurement
        ap = table.values["ap"].as_float()
        query = (
            select(table.trial, table.step, table.values)
            .where(table.campaign_id == campaign_id, ap.is_not(None))
            .order_by(table.trial, table.attempt, table.step)
        )
        with self._database.reading() as session:
            require_campaign(session, campaign_id)
            return tuple((trial, step, values["ap"]) for trial, step, values in session.execute(query))


def find_campaign(session: Session, campaign_id: str, *, lock: bool = False) -> models.Campaign:
    """The campaign's row, locked for a writer if asked. Raises NotFoundError."""
    row = session.get(models.Campaign, _storable(campaign_id), with_for_update=lock or None)
    if row is None:
        raise _no_campaign(campaign_id)
    return row


def campaign_values(record: Connection, campaign_id: str, *columns: InstrumentedAttribute[Any]) -> tuple[Any, ...]:
    """Some of what is known of the campaign, for a fraction of the time that its row takes. Raises NotFoundError."""
    query = select(*columns).where(models.Campaign.id == _storable(campaign_id))
    row = record.execute(query).one_or_none()
    if row is None:
        raise _no_campaign(campaign_id)
    return tuple(row)


def require_campaign(session: Session, campaign_id: str) -> None:
    """Raises NotFoundError where there is no such campaign."""
    campaign_values(session.connection(), campaign_id, models.Campaign.id)


def find_trial(session: Session, campaign_id: str, number: int) -> models.Trial:
    """The trial's row. Raises NotFoundError."""
    row = session.get(models.Trial, (campaign_id, _bounded(number)))
    if row is None:
        raise _no_trial(campaign_id, number)
    return row


def page_of_trials(
    session: Session,
    query: Select[Any],
    campaign_id: str,
    state: str | None,
    order_by: str,
    limit: int,
    cursor: str | None,
) -> Page[Row[Any]]:
    """The rows that `query`, which has the column `number`, gives of one page, in the order asked for (`-` is
    descending; equal values by number). Trials without a reward come last in both orders by reward.

    Raises NotFoundError for the campaign and InvalidValueError for a state, order, limit (1 to 1,000) or cursor that is
    none.
    """
    if state is not None and state not in TRIAL_STATES:
        raise InvalidValueError(f"state '{state}' is none of {', '.join(TRIAL_STATES)}", field="state")
    if order_by not in TRIAL_ORDERS:
        raise InvalidValueError(f"order_by '{order_by}' is none of {', '.join(TRIAL_ORDERS)}", field="order_by")
    limit = checked_limit(limit)
    position = None if cursor is None else decode(cursor, ((int, float, NoneType), int))
    wanted = [models.Trial.campaign_id == campaign_id]
    if state is not None:
        wanted.append(models.Trial.state == state)
    require_campaign(session, campaign_id)
    places: list[tuple[float | None, int]] = []
    for each in _places(order_by, position):
        found = session.connection().execute(each.where(*wanted).limit(limit + 1 - len(places)))
        places += [(value, number) for value, number in found.all()]
        if len(places) > limit:
            break
    numbers = [number for _, number in places[:limit]]
    record = session.connection()
    rows = record.execute(query.where(wanted[0], in_numbers(record, models.Trial.number, numbers)))
    trials = {row.number: row for row in rows.all()}
    items = tuple(trials[number] for number in numbers)
    return Page(items, encode(list(places[limit - 1])) if len(places) > limit else None)


def best_of_trials(session: Session, query: Select[Any], campaign_id: str, k: int) -> Sequence[Row[Any]]:
    """The rows that `query` gives of the best trials. Raises as `Queries.best_trials`."""
    if not 1 <= k <= 1_000:
        raise InvalidValueError(f"k is {k}; it must be 1 to 1000", field="k")
    require_campaign(session, campaign_id)
    table = models.Trial
    query = query.where(table.campaign_id == campaign_id, table.state == "completed", table.reused_from.is_(None))
    return session.connection().execute(query.order_by(table.reward.desc(), table.number).limit(k)).all()


def _storable(campaign_id: str) -> str:
    """The id, or one that is none: no database takes every text, and none of those that it does not take is an id."""
    return campaign_id if campaign_id.isascii() and campaign_id.isprintable() else ""


def _no_campaign(campaign_id: str) -> NotFoundError:
    return NotFoundError(f"there is no campaign '{campaign_id}'", field="campaign_id")


def _no_trial(campaign_id: str, number: int) -> NotFoundError:
    return NotFoundError(f"campaign '{campaign_id}' has no trial {number}", field="number")


def _bounded(number: int) -> int:
    """The number, held inside what a database's 32-bit integer column can be compared with."""
    return max(-1, min(number, 2**31 - 1, MAX_INTEGER))


def _places(order_by: str, after: Sequence[Any] | None) -> Iterator[Select[tuple[Any, int]]]:
    """Queries that, one after the other, give (value, number) of trials in this order, from `after` on.

    Each walks an index and reads nothing else: the rows themselves are fetched for one page alone.
    """
    table, descending = models.Trial, order_by.startswith("-")
    column: InstrumentedAttribute[Any] = getattr(table, order_by.removeprefix("-"))
    order = column.desc() if descending else column.asc()
    value, number = (None, None) if after is None else after
    if column is table.number:
        query = select(column, table.number).order_by(order)
        yield query if after is None else query.where(column < number if descending else column > number)
        return
    if value is not None or after is None:
        query = select(column, table.number).where(column.is_not(None)).order_by(order, table.number)
        if after is not None:
            # The first bound says no more than the second, but in a way that an index is entered by.
            bound, beyond = (column <= value, column < value) if descending else (column >= value, column > value)
            query = query.where(bound, or_(beyond, table.number > number))
        yield query
    if column.nullable:
        query = select(column, table.number).where(column.is_(None)).order_by(table.number)
        yield query if after is None or value is not None else query.where(table.number > number)
