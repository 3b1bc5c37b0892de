"""Lists of trials: pages in every order, each read from an index, and the best trials."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import NoneType
from typing import Any

from sqlalchemy import Row, Select, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from nas_controller.states import TRIAL_ORDERS, TRIAL_STATES
from nas_controller.store import models
from nas_controller.store.cursors import checked_limit, decode, encode
from nas_controller.store.in_clause import in_numbers
from nas_controller.store.records import Page
from nas_controller.store.row_lookup import require_campaign
from search_space.errors import InvalidValueError


def page_of_trials(
    session: Session,
    query: Select[Any],
    campaign_id: str,
    state: str | None,
    order_by: str,
    limit: int,
    cursor: str | None,
    skip: int = 0,
) -> Page[Row[Any]]:
    """The rows of `query`, which has the column `number`, on one page, in the given order (`-` is descending; equal
    values by number). Trials without a reward come last in both orders by reward. The page begins after `skip` trials,
    counted from the start or from the cursor.

    Raises NotFoundError for the campaign and InvalidValueError for an invalid state, order, limit (1 to 1,000),
    cursor or skip (below 0).
    """
    if state is not None and state not in TRIAL_STATES:
        raise InvalidValueError(f"state '{state}' is not one of {', '.join(TRIAL_STATES)}", field="state")
    if order_by not in TRIAL_ORDERS:
        raise InvalidValueError(f"order_by '{order_by}' is not one of {', '.join(TRIAL_ORDERS)}", field="order_by")
    limit = checked_limit(limit)
    if skip < 0:
        raise InvalidValueError(f"skip is {skip}; it must be 0 or more", field="skip", value=skip)
    position = None if cursor is None else decode(cursor, ((int, float, NoneType), int))
    conditions = [models.Trial.campaign_id == campaign_id]
    if state is not None:
        conditions.append(models.Trial.state == state)
    require_campaign(session, campaign_id)
    positions: list[tuple[float | None, int]] = []
    for ordered in _positions(order_by, position):
        listed = ordered.where(*conditions)
        found = session.connection().execute(listed.offset(skip).limit(limit + 1 - len(positions))).all()
        positions += [(value, number) for value, number in found]
        skip = 0 if found or not skip else skip - _count(session, listed)
        if len(positions) > limit:
            break
    numbers = [number for _, number in positions[:limit]]
    connection = session.connection()
    rows = connection.execute(query.where(conditions[0], in_numbers(connection, models.Trial.number, numbers)))
    trials = {row.number: row for row in rows.all()}
    items = tuple(trials[number] for number in numbers)
    return Page(items, encode(list(positions[limit - 1])) if len(positions) > limit else None)


def best_of_trials(session: Session, query: Select[Any], campaign_id: str, k: int) -> Sequence[Row[Any]]:
    """The rows of `query` of the best trials; of equal rewards, those with fewer parameters come first. Raises as
    `Queries.best_trials`.
    """
    if not 1 <= k <= 1_000:
        raise InvalidValueError(f"k is {k}; it must be 1 to 1000", field="k")
    require_campaign(session, campaign_id)
    table = models.Trial
    query = query.where(table.campaign_id == campaign_id, table.state == "completed", table.reused_from.is_(None))
    return session.connection().execute(query.order_by(table.reward.desc(), table.params, table.number).limit(k)).all()


def _count(session: Session, listed: Select[Any]) -> int:
    return session.connection().execute(select(func.count()).select_from(listed.order_by(None).subquery())).scalar_one()


def _positions(order_by: str, after: Sequence[Any] | None) -> Iterator[Select[tuple[Any, int]]]:
    """Queries whose results, one after the other, are (value, number) of trials in this order, starting after `after`.

    Each scans an index only; the rows are fetched for one page.
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
            # The first bound follows from the second, but only the first lets the database seek in the index.
            bound, beyond = (column <= value, column < value) if descending else (column >= value, column > value)
            query = query.where(bound, or_(beyond, table.number > number))
        yield query
    if column.nullable:
        query = select(column, table.number).where(column.is_(None)).order_by(table.number)
        yield query if after is None or value is not None else query.where(table.number > number)
