"""Trials for figures: so few of a campaign that they can be drawn, chosen by the database.

A figure shows every k-th trial, which is as dense where trials are dense, and those that must not be missed whatever k
is. Rows that are not shown are counted and compared inside the database, in an index that has all that is needed
(`ix_trials_campaign_id_reward`), and never come here. So memory is bounded by the points that are asked for.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, Integer, Select, and_, func, literal_column, select
from sqlalchemy import Row as AnyRow
from sqlalchemy.orm import InstrumentedAttribute

from nas_controller.store import models
from nas_controller.store.database import Database
from nas_controller.store.reading import find_campaign
from nas_controller.store.records import MeasurementRecord
from nas_controller.store.translation import measurement_record

BEST_KEPT = 20
_BINS = 256
_BATCH = 1_000

Cost = Literal["madds", "params"]
Query = Select[*tuple[Any, ...]]
Row = AnyRow[*tuple[Any, ...]]


class Sampled(NamedTuple):
    """Rows by number, and of how many they are a sample."""

    rows: tuple[tuple[Any, ...], ...]
    of: int


class Curve(NamedTuple):
    """What an attempt measured, at some of the `of` steps at which it did."""

    trial: int
    attempt: int
    points: tuple[MeasurementRecord, ...]
    of: int


class Sampling:
    """Samples. All raise NotFoundError for the campaign, and StoreUnavailableError when the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def sample_rewards(self, campaign_id: str, points: int) -> Sampled:
        """(number, reward, reused_from) of about `points` trials with an outcome, `points` at most; beside them every
        one that was better than all before it.
        """
        table = models.Trial
        finished = and_(table.campaign_id == campaign_id, table.reward.is_not(None))
        query = select(table.number, table.reward, table.reused_from)
        with self._database.reading() as session:
            find_campaign(session, campaign_id)
            # Rows of columns need nothing of what a session does for objects, which takes longer than they do.
            record = session.connection()
            extent = _extent(record, finished, table.number)
            every = extent.stride(points)
            rows = _every(record, query, finished, every, points)
            if every > 1:
                rows += _record_holders(record, query, finished, table.number, extent)
        return _sampled(rows, extent.of)

    def sample_costs(self, campaign_id: str, cost: Cost, points: int) -> Sampled:
        """(number, cost, reward) of about `points` trained trials, `points` at most; beside them the BEST_KEPT best,
        and every one that no other betters in reward at the same or a smaller cost.
        """
        table = models.Trial
        trained = and_(
            table.campaign_id == campaign_id,
            table.state == "completed",
            table.reward.is_not(None),
            table.reused_from.is_(None),
        )
        spent: InstrumentedAttribute[int] = getattr(table, cost)
        query = select(table.number, spent, table.reward)
        with self._database.reading() as session:
            find_campaign(session, campaign_id)
            record = session.connection()
            extent = _extent(record, trained, spent)
            every = extent.stride(points)
            rows = _every(record, query, trained, every, points)
            if every > 1:
                best = query.where(trained).order_by(table.reward.desc(), table.number).limit(BEST_KEPT)
                rows += record.execute(best).all()
                rows += _record_holders(record, query, trained, spent, extent)
        return _sampled(rows, extent.of)

    def sample_curves(self, campaign_id: str, numbers: Sequence[int], points: int) -> tuple[Curve, ...]:
        """The learning curve of each attempt at these trials, at `points` of its steps or a few more, by trial and
        attempt.

        Points are taken evenly, those with an AP and those without apart; the last of either kind is always there.
        """
        table = models.Measurement
        attempt = (table.trial, table.attempt)
        kind = (*attempt, table.values["ap"].as_float().is_not(None))
        measured = (
            select(
                *attempt,
                table.step,
                func.count().over(partition_by=attempt).label("of"),
                func.row_number().over(partition_by=kind, order_by=table.step.desc()).label("place"),
            )
            .where(table.campaign_id == campaign_id, table.trial.in_(list(numbers)))
            .subquery()
        )
        is_point = and_(*(table.__table__.c[name] == measured.c[name] for name in ("trial", "attempt", "step")))
        every = (measured.c.of + (points - 1)) // points
        query = (
            select(table, measured.c.of)
            .join(measured, and_(table.campaign_id == campaign_id, is_point))
            .where((measured.c.place - 1) % every == 0)
            .order_by(*attempt, table.step)
        )
        with self._database.reading() as session:
            find_campaign(session, campaign_id)
            rows = [(measurement_record(row), of) for row, of in session.execute(query)]
        grouped = groupby(rows, key=lambda row: (row[0].trial, row[0].attempt))
        return tuple(_curve([(record, of) for record, of in members]) for _, members in grouped)


class _Extent(NamedTuple):
    """How many trials are wanted, and from where to where they go in a column; nowhere where there are none."""

    of: int
    least: int | None
    most: int | None

    def stride(self, points: int) -> int:
        """Every which of them leaves `points`."""
        return max(1, -(-self.of // points))


def _curve(members: list[tuple[MeasurementRecord, int]]) -> Curve:
    first, of = members[0]
    return Curve(first.trial, first.attempt, tuple(record for record, _ in members), of)


def _extent(record: Connection, wanted: ColumnElement[bool], along: InstrumentedAttribute[int]) -> _Extent:
    return _Extent(*record.execute(select(func.count(), func.min(along), func.max(along)).where(wanted)).one())


def _every(record: Connection, query: Query, wanted: ColumnElement[bool], every: int, points: int) -> list[Row]:
    """Those whose number is a multiple of `every`."""
    if every > 1:
        query = query.where(models.Trial.number % every == 0)
    return list(record.execute(query.where(wanted).limit(points)).all())


def _record_holders(
    record: Connection, query: Query, wanted: ColumnElement[bool], along: InstrumentedAttribute[int], extent: _Extent
) -> list[Row]:
    """Those of the wanted with a higher reward than all before them in the order of the column `along`; of those that
    are equal there, the highest comes first.

    Only a stretch of the column whose best betters all stretches before it can have any, and there are few such.
    """
    number, reward = models.Trial.number, models.Trial.reward
    _, least, most = extent
    if least is None or most is None:
        return []
    # Parameters of their own for each mention would be other expressions to PostgreSQL.
    width = literal_column(str((most - least) // _BINS + 1), Integer())
    stretch = (along - literal_column(str(least), Integer())) // width
    bests = record.execute(select(stretch, func.max(reward)).where(wanted).group_by(stretch).order_by(stretch))
    promising = [place for place, _ in _rising(bests, 1)]
    inside = query.where(wanted, stretch.in_(promising)).order_by(along, reward.desc(), number)
    rows = record.execute(inside.execution_options(yield_per=_BATCH))
    return list(_rising(rows, query.selected_columns.keys().index("reward")))


def _rising(rows: Iterable[Row], place: int) -> Iterator[Row]:
    """Those with more at this place than all before them."""
    best = -math.inf
    for row in rows:
        if row[place] > best:
            best = row[place]
            yield row


def _sampled(rows: Iterable[Row], of: int) -> Sampled:
    return Sampled(tuple(sorted({row[0]: tuple(row) for row in rows}.values())), of)
