"""Lists of campaigns: found by state, words, tag and archive, in every order, page by page.

The database selects and orders ids in an index that has the columns of lists (`ix_campaigns_archived_id`), and reads
the rows of one page, whose specifications are long. The order by progress reads every specification.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from types import NoneType
from typing import Any
from urllib.parse import quote, unquote

from sqlalchemy import ColumnElement, Double, and_, case, cast, func, or_, select
from sqlalchemy.orm import Session

from nas_controller.entities import EventDocument
from nas_controller.states import ARCHIVED_FILTERS, CAMPAIGN_ORDERS, CAMPAIGN_STATES
from nas_controller.store import models
from nas_controller.store.cursors import MAX_INTEGER, checked_limit, decode, encode
from nas_controller.store.database import Database
from nas_controller.store.mappers import campaign_record, event_record
from nas_controller.store.records import CampaignPage, CampaignRecord
from search_space.errors import InvalidValueError

_TABLE = models.Campaign
_NEWEST_FIRST = "-created"


@dataclass(frozen=True)
class CampaignFilter:
    """Which campaigns a list has: in one of the `states`, all without any; with `text` in the name, the id or a tag,
    in any case; with this tag; and whether it has archived ones: `false`, `true` for no others, `any`.

    Raises InvalidValueError for an unknown state or archive, and for a text that no database could compare.
    """

    states: Sequence[str] = ()
    text: str = ""
    tag: str | None = None
    archived: str = "false"

    def __post_init__(self) -> None:
        unknown = [state for state in self.states if state not in CAMPAIGN_STATES]
        if unknown:
            raise InvalidValueError(f"state '{unknown[0]}' is not one of {', '.join(CAMPAIGN_STATES)}", field="state")
        if self.archived not in ARCHIVED_FILTERS:
            known = ", ".join(ARCHIVED_FILTERS)
            raise InvalidValueError(f"archived '{self.archived}' is not one of {known}", field="archived")
        for field, value in (("q", self.text), ("tag", self.tag or "")):
            if "\0" in value or not value.isprintable():
                raise InvalidValueError(f"{field} is {value[:80]!r}; it must be printable", field=field, value=value)

    def conditions(self) -> list[ColumnElement[bool]]:
        """The conditions on a campaign, without that on its state."""
        found: list[ColumnElement[bool]] = []
        if self.archived != "any":
            found.append(_TABLE.archived.is_(self.archived == "true"))
        text, tag = self.text.strip().lower(), None if self.tag is None else self.tag.strip().lower()
        if text:
            columns = (func.lower(_TABLE.name), _TABLE.id, _TABLE.tags)
            found.append(or_(*(column.contains(text, autoescape=True) for column in columns)))
        if tag is not None:
            found.append(_TABLE.tags.contains(f" {tag} ", autoescape=True))
        return found


class CampaignLists:
    """Queries. All raise StoreUnavailableError when the database is unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list_campaigns(
        self,
        wanted: CampaignFilter | None = None,
        *,
        order_by: str = _NEWEST_FIRST,
        limit: int = 50,
        cursor: str | None = None,
        offset: int = 0,
    ) -> CampaignPage:
        """A page of campaigns in this order, `-` for descending; among equals, the newest first. Those without the
        value, such as campaigns that have not started, come last in both directions.

        `offset` skips so many after the cursor, or from the start. Raises InvalidValueError for an invalid order, limit
        (1 to 1,000), offset or cursor.
        """
        if order_by not in CAMPAIGN_ORDERS:
            raise InvalidValueError(f"sort '{order_by}' is not one of {', '.join(CAMPAIGN_ORDERS)}", field="sort")
        if not 0 <= offset <= MAX_INTEGER:
            raise InvalidValueError(f"offset is {offset}; it must be 0 or more", field="offset")
        wanted, order = wanted or CampaignFilter(), _order(order_by)
        conditions = wanted.conditions()
        query = select(order.value, _TABLE.id).where(*conditions).order_by(*order.clauses)
        if wanted.states:
            query = query.where(_TABLE.state.in_(wanted.states))
        if cursor is not None:
            query = query.where(order.after(*decode(cursor, ((*order.kinds, NoneType), str))))
        counts = select(_TABLE.state, func.count()).where(*conditions).group_by(_TABLE.state)
        with self._database.reading() as session:
            rows = session.execute(query.offset(offset).limit(checked_limit(limit) + 1)).all()
            by_state = dict[str, int](session.execute(counts).all())
            items = _records(session, [campaign_id for _, campaign_id in rows[:limit]])
        total = sum(count for state, count in by_state.items() if not wanted.states or state in wanted.states)
        more = encode([_in_cursor(rows[limit - 1][0]), items[-1].id]) if len(rows) > limit else None
        return CampaignPage(items, more, total, {state: by_state.get(state, 0) for state in CAMPAIGN_STATES})

    def last_events(self, campaigns: Sequence[CampaignRecord]) -> dict[str, EventDocument]:
        """The newest event of each of these campaigns, by the campaign's id."""
        event = models.Event
        joined = and_(event.campaign_id == _TABLE.id, event.sequence == _TABLE.last_event)
        query = select(*event.__table__.columns).join(_TABLE, joined)
        with self._database.reading() as session:
            rows = session.execute(query.where(_TABLE.id.in_([each.id for each in campaigns])))
            return {row.campaign_id: event_record(row) for row in rows}


def _records(session: Session, ids: Sequence[str]) -> tuple[CampaignRecord, ...]:
    found = {row.id: campaign_record(row) for row in session.scalars(select(_TABLE).where(_TABLE.id.in_(ids)))}
    return tuple(found[each] for each in ids)


@dataclass(frozen=True)
class _Order:
    """An order by a value, in which rows without one come last, and by the id among equals."""

    value: ColumnElement[Any]
    kinds: tuple[type, ...]
    is_descending: bool
    is_id: bool

    @property
    def clauses(self) -> tuple[ColumnElement[Any], ...]:
        directed = self.value.desc() if self.is_descending else self.value.asc()
        if self.is_id:
            return (directed,)
        return self.value.is_(None).asc(), directed, _TABLE.id.desc()

    def after(self, value: Any, campaign_id: str) -> ColumnElement[bool]:
        """Whether a row comes after the one with this value and id."""
        if self.is_id:
            return _TABLE.id < campaign_id if self.is_descending else _TABLE.id > campaign_id
        older = _TABLE.id < campaign_id
        if value is None:
            return and_(self.value.is_(None), older)
        if isinstance(value, str):
            value = _of_cursor(value, is_time=isinstance(self.value.type, models.UtcDateTime))
        beyond = self.value < value if self.is_descending else self.value > value
        return or_(beyond, and_(self.value == value, older), self.value.is_(None))


def _order(order_by: str) -> _Order:
    name = order_by.removeprefix("-")
    values: dict[str, tuple[ColumnElement[Any], tuple[type, ...]]] = {
        "created": (_TABLE.id.expression, (str,)),
        "name": (func.lower(_TABLE.name), (str,)),
        "started": (_TABLE.started_at.expression, (str,)),
        "state": (case({state: index for index, state in enumerate(CAMPAIGN_STATES)}, value=_TABLE.state), (int,)),
        "progress": (cast(_TABLE.trials_finished, Double) / _TABLE.spec["trials"].as_integer(), (int, float)),
        "best": (_TABLE.best_reward.expression, (int, float)),
        "gain": (func.coalesce(_TABLE.finals_gain, _TABLE.best_reward - _TABLE.baseline_reward), (int, float)),
    }
    return _Order(*values[name], order_by.startswith("-"), name == "created")


def _in_cursor(value: Any) -> Any:
    """A value of an order as cursors have it: texts in ASCII."""
    if isinstance(value, datetime):
        return quote(value.isoformat())
    return quote(value) if isinstance(value, str) else value


def _of_cursor(text: str, *, is_time: bool) -> str | datetime:
    """The time or text of a cursor. Raises InvalidValueError unless it is one."""
    value = unquote(text)
    with suppress(ValueError, OverflowError):
        if is_time and (time := datetime.fromisoformat(value)).tzinfo is not None:
            return time.astimezone(UTC)
        if not is_time and value.isprintable():
            return value
    raise InvalidValueError(
        f"cursor of {text[:80]!r} is not from this list; omit it to begin with the first page", field="cursor"
    )
