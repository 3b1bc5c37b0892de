"""A sample of a campaign's trials: taken from all of them, or an earlier one updated by the outcomes since."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from nas_controller.store import models
from nas_controller.store.in_clause import in_numbers

_MAX_BUCKETS = 256

Query = Select[*tuple[Any, ...]]
Row = tuple[Any, ...]


class SampleQuery(NamedTuple):
    """Which trials a figure may show: those of a campaign that `query`, whose rows begin with the number, gives where
    they meet `condition`.

    Every sample has the running maxima of the reward in the order of the column `order_column` (of equal values there,
    the highest reward comes first), and the `best` highest rewards.
    """

    campaign_id: str
    query: Query
    condition: ColumnElement[bool]
    order_column: str
    best: int

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of a row's columns."""
        return tuple(self.query.selected_columns.keys())

    @property
    def reward_index(self) -> int:
        """The index of the reward in a row."""
        return self.columns.index("reward")

    def running_maxima(self, rows: Iterable[Row]) -> tuple[Row, ...]:
        """Those of the rows, in any order, with a higher reward than all before them."""
        reward, order = self.reward_index, self.columns.index(self.order_column)
        ordered = sorted(rows, key=lambda row: (row[order], -row[reward], row[0]))
        return tuple(_running_maxima(ordered, reward))

    def highest(self, rows: Iterable[Row]) -> tuple[Row, ...]:
        """The `best` rows with the highest rewards, of rows in any order."""
        reward = self.reward_index
        return tuple(sorted(rows, key=lambda row: (-row[reward], row[0]))[: self.best])


class Sample(NamedTuple):
    """A sample of `of` rows, up to an event of the campaign.

    `strided` are the rows whose number is a multiple of `stride`; where that is 1, these are all.
    """

    event: int
    of: int
    stride: int
    strided: tuple[Row, ...]
    running_maxima: tuple[Row, ...] = ()
    best: tuple[Row, ...] = ()

    def rows(self) -> tuple[Row, ...]:
        """Each row once, by number."""
        return tuple(sorted({row[0]: row for row in (*self.strided, *self.running_maxima, *self.best)}.values()))

    def size(self) -> int:
        """How many rows it holds, and one for itself."""
        return 1 + len(self.strided) + len(self.running_maxima) + len(self.best)

    def updated(self, query: SampleQuery, new: Sequence[Row], event: int, points: int) -> Sample | None:
        """The sample up to `event`, given the rows that came after `self.event`: equal to what `sample_all` gives.

        None where that sample has rows which are neither here nor new.
        """
        of = self.of + len(new)
        strided = (*self.strided, *(row for row in new if row[0] % self.stride == 0))
        if _stride(of, points) != self.stride or len(strided) > points:
            return None
        if self.stride == 1:
            return Sample(event, of, 1, strided)
        maxima, best = query.running_maxima((*self.running_maxima, *new)), query.highest((*self.best, *new))
        return Sample(event, of, self.stride, strided, maxima, best)


def sample_all(connection: Connection, query: SampleQuery, event: int, points: int) -> Sample:
    """A sample of `points` strided rows at most, with the running maxima and the best; `event` is the latest one."""
    bucket = _bucket_index(connection, query)
    buckets = _buckets(connection, query, bucket)
    of = sum(each.trials for each in buckets)
    stride = _stride(of, points)
    rows = query.query.where(query.condition)
    if stride == 1:
        return Sample(event, of, stride, _rows(connection, rows.limit(points)))
    rising = [each.position for each in _running_maxima(buckets, _Bucket._fields.index("max_reward"))]
    strided, maxima = _strided_and_maxima(connection, query, stride, bucket.in_(rising))
    best = rows.order_by(models.Trial.reward.desc(), models.Trial.number).limit(query.best)
    return Sample(event, of, stride, strided[:points], maxima, _rows(connection, best) if query.best else ())


def rows_of(connection: Connection, query: SampleQuery, numbers: Sequence[int]) -> tuple[Row, ...]:
    """The rows of these trials, where they meet the query's condition."""
    if not numbers:
        return ()
    return _rows(connection, query.query.where(query.condition, in_numbers(connection, models.Trial.number, numbers)))


def _stride(of: int, points: int) -> int:
    """The stride that leaves at most `points` of so many."""
    return max(1, -(-of // points))


def _rows(connection: Connection, query: Query) -> tuple[Row, ...]:
    return tuple(tuple(row) for row in connection.execute(query).all())


class _Bucket(NamedTuple):
    """A range of the order column: its position, and the number and highest reward of its trials."""

    position: int
    trials: int
    max_reward: float


def _bucket_index(connection: Connection, query: SampleQuery) -> ColumnElement[int]:
    """The index of a trial's bucket of the order column; a campaign has _MAX_BUCKETS of equal width at most."""
    column = _column(query.order_column)
    ends = (select(end(column)).where(models.Trial.campaign_id == query.campaign_id) for end in (func.min, func.max))
    least, most = connection.execute(select(*(end.scalar_subquery() for end in ends))).one()
    least, most = least or 0, most or 0  # of a campaign without trials
    return (column - least) // ((most - least) // _MAX_BUCKETS + 1)


def _buckets(connection: Connection, query: SampleQuery, index: ColumnElement[int]) -> list[_Bucket]:
    """The buckets that have any row, in order. (The database would sort every trial to order them.)"""
    # A subquery, since PostgreSQL takes each mention of the index for another expression: it has other parameters.
    indexed = select(index.label("bucket"), models.Trial.reward).where(query.condition).subquery()
    grouped = select(indexed.c.bucket, func.count(), func.max(indexed.c.reward)).group_by(indexed.c.bucket)
    return sorted(_Bucket(*row) for row in connection.execute(grouped).all())


def _strided_and_maxima(
    connection: Connection, query: SampleQuery, stride: int, in_rising_bucket: ColumnElement[bool]
) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """The rows whose number is a multiple of `stride`, and the running maxima.

    Only a bucket whose highest reward exceeds that of all buckets before it can have a running maximum. There are few
    such buckets, and rows elsewhere do not change the maxima in them: so these and the strided rows are all that the
    database sorts.
    """
    number, reward = models.Trial.number, models.Trial.reward
    order = (_column(query.order_column), reward.desc(), number)
    max_before = func.max(reward).over(order_by=order, rows=(None, -1)).label("max_before")
    candidates = query.query.add_columns(max_before).where(query.condition, or_(in_rising_bucket, number % stride == 0))
    inside = candidates.subquery()
    is_maximum = or_(inside.c.max_before.is_(None), inside.c.reward > inside.c.max_before)
    columns = (inside.c[name] for name in query.columns)
    found = select(*columns, is_maximum.label("is_maximum")).where(or_(is_maximum, inside.c.number % stride == 0))
    strided, maxima = [], []
    for row in connection.execute(found).all():
        plain = tuple(row[:-1])
        if row[0] % stride == 0:
            strided.append(plain)
        if row[-1]:
            maxima.append(plain)
    return tuple(strided), tuple(maxima)


def _column(name: str) -> ColumnElement[Any]:
    return models.Trial.__table__.c[name]


def _running_maxima(rows: Iterable[Any], index: int) -> Iterator[Any]:
    """Those with a higher value at this index than all before them."""
    best = -math.inf
    for row in rows:
        if row[index] > best:
            best = row[index]
            yield row
