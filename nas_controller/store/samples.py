"""A sample of a campaign's trials: taken from all of them, or grown from an earlier one by the outcomes since."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Integer, Select, func, literal_column, select

from nas_controller.store import models

_BINS = 256
_BATCH = 1_000

Query = Select[*tuple[Any, ...]]
Row = tuple[Any, ...]


class Wanted(NamedTuple):
    """Which trials a figure shows: those of `query`, which begins with the number, that meet `condition`.

    Whatever else is left out, those with a higher reward than all before them in the order of the column `along` are
    there (of those that are equal there, the highest comes first), and the `best` with the highest rewards.
    """

    query: Query
    condition: ColumnElement[bool]
    along: str
    best: int

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of what a row has."""
        return tuple(self.query.selected_columns.keys())

    @property
    def reward(self) -> int:
        """The place of the reward in a row."""
        return self.columns.index("reward")

    def rising(self, rows: Iterable[Row]) -> tuple[Row, ...]:
        """Those of the rows, in any order, with a higher reward than all before them."""
        reward, along = self.reward, self.columns.index(self.along)
        ordered = sorted(rows, key=lambda row: (row[along], -row[reward], row[0]))
        return tuple(_rising(ordered, reward))

    def highest(self, rows: Iterable[Row]) -> tuple[Row, ...]:
        """The best of the rows, in any order."""
        reward = self.reward
        return tuple(sorted(rows, key=lambda row: (-row[reward], row[0]))[: self.best])


class Sample(NamedTuple):
    """The rows that are shown `of` so many, up to an event of the campaign.

    `even` are those whose number is a multiple of `every`; where that is 1, these are all.
    """

    event: int
    of: int
    every: int
    even: tuple[Row, ...]
    rising: tuple[Row, ...] = ()
    best: tuple[Row, ...] = ()

    def shown(self) -> tuple[Row, ...]:
        """Each row once, by number."""
        return tuple(sorted({row[0]: row for row in (*self.even, *self.rising, *self.best)}.values()))

    def size(self) -> int:
        """How many rows it keeps."""
        return len(self.even) + len(self.rising) + len(self.best)

    def grown(self, wanted: Wanted, new: Sequence[Row], event: int, points: int) -> Sample | None:
        """The sample up to this event, from the wanted rows that came after `self.event`: the one that `take` finds
        among all. None where it has others than these and the new ones.
        """
        of = self.of + len(new)
        even = (*self.even, *(row for row in new if row[0] % self.every == 0))
        if _stride(of, points) != self.every or len(even) > points:
            return None
        if self.every == 1:
            return Sample(event, of, 1, even)
        rising, best = wanted.rising((*self.rising, *new)), wanted.highest((*self.best, *new))
        return Sample(event, of, self.every, even, rising, best)


def take(record: Connection, wanted: Wanted, event: int, points: int) -> Sample:
    """A sample of `points` rows at most, and of those that must not be missed; `event` is the latest one."""
    number, along = models.Trial.number, models.Trial.__table__.c[wanted.along]
    extent = select(func.count(), func.min(along), func.max(along)).where(wanted.condition)
    of, least, most = record.execute(extent).one()
    every = _stride(of, points)
    query = wanted.query.where(wanted.condition)
    even = _rows(record, (query if every == 1 else query.where(number % every == 0)).limit(points))
    if every == 1:
        return Sample(event, of, every, even)
    best = query.order_by(models.Trial.reward.desc(), number).limit(wanted.best)
    rising = _record_holders(record, wanted, least, most)
    return Sample(event, of, every, even, rising, _rows(record, best) if wanted.best else ())


def new_rows(record: Connection, wanted: Wanted, numbers: Sequence[int]) -> tuple[Row, ...]:
    """Those of these trials that are wanted."""
    return _rows(record, wanted.query.where(wanted.condition, models.Trial.number.in_(numbers))) if numbers else ()


def _stride(of: int, points: int) -> int:
    """Every which of so many leaves `points`."""
    return max(1, -(-of // points))


def _rows(record: Connection, query: Query) -> tuple[Row, ...]:
    return tuple(tuple(row) for row in record.execute(query))


def _record_holders(record: Connection, wanted: Wanted, least: int, most: int) -> tuple[Row, ...]:
    """Those of the wanted with a higher reward than all before them.

    Only a stretch of the column `along` whose best betters all stretches before it can have any, and there are few
    such. The column goes from `least` to `most`.
    """
    number, reward, along = (models.Trial.__table__.c[name] for name in ("number", "reward", wanted.along))
    # Parameters of their own for each mention would be other expressions to PostgreSQL.
    width = literal_column(str((most - least) // _BINS + 1), Integer())
    stretch = (along - literal_column(str(least), Integer())) // width
    bests = select(stretch, func.max(reward)).where(wanted.condition).group_by(stretch).order_by(stretch)
    promising = [place for place, _ in _rising(record.execute(bests), 1)]
    inside = wanted.query.where(wanted.condition, stretch.in_(promising)).order_by(along, reward.desc(), number)
    rows = record.execute(inside.execution_options(yield_per=_BATCH))
    return tuple(tuple(row) for row in _rising(rows, wanted.reward))


def _rising(rows: Iterable[Any], place: int) -> Iterator[Any]:
    """Those with more at this place than all before them."""
    best = -math.inf
    for row in rows:
        if row[place] > best:
            best = row[place]
            yield row
