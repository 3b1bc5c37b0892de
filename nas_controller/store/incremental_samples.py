"""A sample of a campaign's trials: taken from all of them, or an earlier sample updated with the outcomes since."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Integer, Select, cast, func, or_, select

from nas_controller.store import models
from nas_controller.store.in_clause import in_numbers

_MAX_BUCKETS = 256

Query = Select[*tuple[Any, ...]]
Row = tuple[Any, ...]


class SampleQuery(NamedTuple):
    """The trials that a sample is taken from: the rows of `query` (the number first) that meet `condition`.

    Every sample has the running maxima of the reward in the order of the column `order_column` (among equal values, the
    highest reward comes first), and the `best` highest rewards.
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
        """Those of the rows, given in any order, with a higher reward than all before them."""
        reward, order = self.reward_index, self.columns.index(self.order_column)
        ordered = sorted(rows, key=lambda row: (row[order], -row[reward], row[0]))
        return tuple(_running_maxima(ordered, reward))

    def highest(self, rows: Iterable[Row]) -> tuple[Row, ...]:
        """The `best` rows with the highest rewards, of rows given in any order."""
        reward = self.reward_index
        return tuple(sorted(rows, key=lambda row: (-row[reward], row[0]))[: self.best])


class Sample(NamedTuple):
    """A sample of `of` rows, up to an event of the campaign.

    `strided` are the rows whose number is a multiple of `stride`; if that is 1, these are all rows.
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
        """The number of its rows plus one for the sample itself."""
        return 1 + len(self.strided) + len(self.running_maxima) + len(self.best)

    def updated(self, query: SampleQuery, new: Sequence[Row], event: int, points: int) -> Sample | None:
        """The sample up to `event`, given the rows since `self.event`: equal to that of `sample_all`.

        None if that sample has rows which are neither in this one nor new.
        """
        of = self.of + len(new)
        strided = (*self.strided, *(row for row in new if row[0] % self.stride == 0))
        if _stride(of, points) != _stride(self.of, points) or len(strided) > points:
            return None
        if self.stride == 1:
            return Sample(event, of, 1, strided)
        maxima, best = query.running_maxima((*self.running_maxima, *new)), query.highest((*self.best, *new))
        return Sample(event, of, self.stride, strided, maxima, best)


def sample_all(connection: Connection, query: SampleQuery, event: int, points: int) -> Sample:
    """A sample of at most `points` strided rows, with the running maxima and the best; `event` is the latest one."""
    bucket_index = _bucket_index(connection, query)
    buckets = _buckets(connection, query, bucket_index)
    of = sum(bucket.trials for bucket in buckets)
    stride = _stride(of, points)
    rows = query.query.where(query.condition)
    if stride == 1:
        return Sample(event, of, stride, _rows(connection, rows))
    candidates = [bucket.position for bucket in _running_maxima(buckets, _Bucket._fields.index("max_reward"))]
    strided, maxima = _strided_and_maxima(connection, query, stride, bucket_index.in_(candidates))
    best = rows.order_by(models.Trial.reward.desc(), models.Trial.number).limit(query.best)
    stride, strided = _thinned(stride, strided, points)
    return Sample(event, of, stride, strided, maxima, _rows(connection, best) if query.best else ())


def rows_of(connection: Connection, query: SampleQuery, numbers: Sequence[int]) -> tuple[Row, ...]:
    """The rows of these trials that meet the query's condition."""
    if not numbers:
        return ()
    return _rows(connection, query.query.where(query.condition, in_numbers(connection, models.Trial.number, numbers)))


def _stride(of: int, points: int) -> int:
    """The stride that leaves at most `points` of `of` rows, if their numbers are evenly spread."""
    return max(1, -(-of // points))


def _thinned(stride: int, strided: Sequence[Row], points: int) -> tuple[int, tuple[Row, ...]]:
    """The smallest multiple of a stride that leaves at most `points` of its rows, and these."""
    multiple = stride
    while sum(row[0] % multiple == 0 for row in strided) > points:
        multiple += stride
    return multiple, tuple(row for row in strided if row[0] % multiple == 0)


def _rows(connection: Connection, query: Query) -> tuple[Row, ...]:
    return tuple(tuple(row) for row in connection.execute(query).all())


class _Bucket(NamedTuple):
    """A range of the order column: its position, and the number and highest reward of its trials."""

    position: int
    trials: int
    max_reward: float


def _bucket_index(connection: Connection, query: SampleQuery) -> ColumnElement[int]:
    """The index of a trial's bucket of the order column; a campaign has at most _MAX_BUCKETS, of equal width."""
    column = _column(query.order_column)
    # Two subqueries, since each then reads one end of an index.
    low, high = (
        select(bound(column)).where(models.Trial.campaign_id == query.campaign_id).scalar_subquery()
        for bound in (func.min, func.max)
    )
    lowest, highest = connection.execute(select(low, high)).one()
    lowest, highest = lowest or 0, highest or 0  # None without trials
    if isinstance(highest, float):
        # A database may round or truncate; either keeps the order.
        return cast((column - lowest) / ((highest - lowest) / _MAX_BUCKETS or 1.0), Integer)
    return (column - lowest) // ((highest - lowest) // _MAX_BUCKETS + 1)


def _buckets(connection: Connection, query: SampleQuery, index: ColumnElement[int]) -> list[_Bucket]:
    """The buckets that have any row, in order. Sorted here, since the database would sort every trial."""
    # A subquery, since PostgreSQL does not see that two uses of the index, with parameters, are the same expression.
    indexed = select(index.label("bucket"), models.Trial.reward).where(query.condition).subquery()
    grouped = select(indexed.c.bucket, func.count(), func.max(indexed.c.reward)).group_by(indexed.c.bucket)
    return sorted(_Bucket(*row) for row in connection.execute(grouped).all())


def _strided_and_maxima(
    connection: Connection, query: SampleQuery, stride: int, in_candidate_bucket: ColumnElement[bool]
) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """The rows whose number is a multiple of `stride`, and the running maxima.

    Only a bucket whose highest reward exceeds that of all buckets before it can have a running maximum. There are few
    such candidate buckets, and rows elsewhere do not change their maxima, so the database sorts only them and the
    strided rows.
    """
    number, reward = models.Trial.number, models.Trial.reward
    order = (_column(query.order_column), reward.desc(), number)
    max_before = func.max(reward).over(order_by=order, rows=(None, -1)).label("max_before")
    rows = query.query.add_columns(max_before).where(query.condition, or_(in_candidate_bucket, number % stride == 0))
    sorted_rows = rows.subquery()
    is_maximum = or_(sorted_rows.c.max_before.is_(None), sorted_rows.c.reward > sorted_rows.c.max_before)
    columns = (sorted_rows.c[name] for name in query.columns)
    selected = select(*columns, is_maximum.label("is_maximum")).where(
        or_(is_maximum, sorted_rows.c.number % stride == 0)
    )
    strided, maxima = [], []
    for row in connection.execute(selected).all():
        values = tuple(row[:-1])
        if row[0] % stride == 0:
            strided.append(values)
        if row[-1]:
            maxima.append(values)
    return tuple(strided), tuple(maxima)


def _column(name: str) -> ColumnElement[Any]:
    return models.Trial.__table__.c[name]


def _running_maxima(rows: Iterable[Any], index: int) -> Iterator[Any]:
    """The rows with a higher value at this index than all before them."""
    best = -math.inf
    for row in rows:
        if row[index] > best:
            best = row[index]
            yield row
