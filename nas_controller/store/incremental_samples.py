"""A sample of a campaign's trials: taken from all of them, or grown from an earlier one by the outcomes since."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from nas_controller.store import models
from nas_controller.store.in_clause import in_numbers

_BINS = 256

Query = Select[*tuple[Any, ...]]
Row = tuple[Any, ...]


class Wanted(NamedTuple):
    """Which trials a figure shows: those of a campaign that `query`, whose rows begin with the number, gives
    where they meet `condition`.

    Whatever else is left out, those with a higher reward than all before them in the order of the column `along` are
    there (of those that are equal there, the highest comes first), and the `best` with the highest rewards.
    """

    campaign_id: str
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
        """How many rows it keeps, and one for itself."""
        return 1 + len(self.even) + len(self.rising) + len(self.best)

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
    place = _place(record, wanted)
    stretches = _stretches(record, wanted, place)
    of = sum(stretch.of for stretch in stretches)
    every = _stride(of, points)
    query = wanted.query.where(wanted.condition)
    if every == 1:
        return Sample(event, of, every, _rows(record, query.limit(points)))
    promising = [stretch.place for stretch in _rising(stretches, _Stretch._fields.index("reward"))]
    even, rising = _even_and_rising(record, wanted, every, place.in_(promising))
    best = query.order_by(models.Trial.reward.desc(), models.Trial.number).limit(wanted.best)
    return Sample(event, of, every, even[:points], rising, _rows(record, best) if wanted.best else ())


def new_rows(record: Connection, wanted: Wanted, numbers: Sequence[int]) -> tuple[Row, ...]:
    """Those of these trials that are wanted."""
    if not numbers:
        return ()
    return _rows(record, wanted.query.where(wanted.condition, in_numbers(record, models.Trial.number, numbers)))


def _stride(of: int, points: int) -> int:
    """Every which of so many leaves `points`."""
    return max(1, -(-of // points))


def _rows(record: Connection, query: Query) -> tuple[Row, ...]:
    return tuple(tuple(row) for row in record.execute(query).all())


class _Stretch(NamedTuple):
    """A stretch of the column `along`: its place among them, how many of the wanted lie in it and their best."""

    place: int
    of: int
    reward: float


def _place(record: Connection, wanted: Wanted) -> ColumnElement[int]:
    """Of which stretch of the column `along` a trial is; from end to end of the campaign there are _BINS at most."""
    along = _column(wanted.along)
    ends = (select(end(along)).where(models.Trial.campaign_id == wanted.campaign_id) for end in (func.min, func.max))
    least, most = record.execute(select(*(end.scalar_subquery() for end in ends))).one()
    least, most = least or 0, most or 0  # of a campaign without trials
    return (along - least) // ((most - least) // _BINS + 1)


def _stretches(record: Connection, wanted: Wanted, place: ColumnElement[int]) -> list[_Stretch]:
    """Those that have any of the wanted, in order. (The database would put every trial in order for that.)"""
    # Parameters of their own for each mention of the place would be other expressions to PostgreSQL.
    placed = select(place.label("place"), models.Trial.reward).where(wanted.condition).subquery()
    grouped = select(placed.c.place, func.count(), func.max(placed.c.reward)).group_by(placed.c.place)
    return sorted(_Stretch(*row) for row in record.execute(grouped).all())


def _even_and_rising(
    record: Connection, wanted: Wanted, every: int, promising: ColumnElement[bool]
) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """Those of the wanted whose number is a multiple of `every`, and those with a higher reward than all before them.

    Only a stretch whose best betters all stretches before it can have any of the latter. There are few such, and what
    lies elsewhere betters nothing there: so these, and the even ones, are all that the database puts in order.
    """
    number, reward = models.Trial.number, models.Trial.reward
    order = (_column(wanted.along), reward.desc(), number)
    before = func.max(reward).over(order_by=order, rows=(None, -1)).label("before")
    inside = wanted.query.add_columns(before).where(wanted.condition, or_(promising, number % every == 0)).subquery()
    rises = or_(inside.c.before.is_(None), inside.c.reward > inside.c.before)
    shown = select(*(inside.c[name] for name in wanted.columns), rises.label("rises"))
    even, rising = [], []
    for row in record.execute(shown.where(or_(rises, inside.c.number % every == 0))).all():
        plain = tuple(row[:-1])
        if row[0] % every == 0:
            even.append(plain)
        if row[-1]:
            rising.append(plain)
    return tuple(even), tuple(rising)


def _column(name: str) -> ColumnElement[Any]:
    return models.Trial.__table__.c[name]


def _rising(rows: Iterable[Any], place: int) -> Iterator[Any]:
    """Those with more at this place than all before them."""
    best = -math.inf
    for row in rows:
        if row[place] > best:
            best = row[place]
            yield row
