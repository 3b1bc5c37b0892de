"""An in-memory database for one thread, to generate a campaign and copy it to another database."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.orm import DeclarativeBase, Session

from nas_controller.store import models
from nas_controller.store.bulk_insert import CampaignRows, Row
from nas_controller.store.database import Database

_PENDING_ROWS = 2_000
_RECENT_ROWS = 100


class ScratchDatabase(Database):
    """All reads and writes share one session, whose transaction never ends. An error leaves it in an undefined state.

    There is no other reader or writer, so rows need no lock, are never outdated, and are inserted in batches.
    """

    def __init__(self) -> None:
        super().__init__("sqlite://")
        models.Base.metadata.create_all(self.engine)
        self._session = _BatchingSession(self.engine)
        # A batch inserts rows of several tables in any order.
        self._session.connection().execute(text("PRAGMA defer_foreign_keys = ON"))

    @contextmanager
    def single_statement(self) -> Iterator[Connection]:
        """The connection of the session."""
        with self._translated():
            yield self._session.connection()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """The session."""
        with self._translated():
            yield self._session

    writing = reading

    def close(self) -> None:
        """Discards everything."""
        self._session.close()
        super().close()

    def campaign_rows(self) -> CampaignRows:
        """The rows of the only campaign."""
        (campaign,) = self._rows(models.Campaign)
        return CampaignRows(
            campaign,
            self._rows(models.Trial),
            self._rows(models.Attempt),
            self._rows(models.Measurement),
            self._rows(models.Event),
            next(iter(self._rows(models.ControllerState)), None),
        )

    def _rows(self, model: type[DeclarativeBase]) -> list[Row]:
        with self.single_statement() as connection:
            return [dict(row) for row in connection.execute(select(model.__table__)).mappings()]


class _BatchingSession(Session):
    """Inserts new rows when a query needs them or there are _PENDING_ROWS, and finds recent rows by key in memory."""

    def __init__(self, bind: Any) -> None:
        super().__init__(bind, autoflush=False, expire_on_commit=False)
        self._pending: dict[tuple[Any, ...], object] = {}
        # A session has only weak references to written rows, but the campaign and the latest rows change often.
        self._campaigns: list[object] = []
        self._recent: deque[object] = deque(maxlen=_RECENT_ROWS)

    def add(self, instance: object, **options: Any) -> None:
        """Adds a row. A controller's state is written at once, since an UPDATE has to find it."""
        super().add(instance, **options)
        key = inspect(instance).mapper.primary_key_from_instance(instance)
        self._pending[type(instance), *key] = instance
        if isinstance(instance, models.Campaign):
            self._campaigns.append(instance)
        self._recent.append(instance)
        if isinstance(instance, models.ControllerState) or len(self._pending) >= _PENDING_ROWS:
            self._write()

    def get(self, entity: Any, ident: Any, **options: Any) -> Any:
        """The row of this key, from memory if possible; None if there is none."""
        key = ident if isinstance(ident, tuple) else (ident,)
        options.pop("with_for_update", None)
        return self._pending.get((entity, *key)) or super().get(entity, ident, **options)

    def flush(self, objects: Any = None) -> None:
        """Does nothing: rows are written when a query needs them."""

    def connection(self, *arguments: Any, **options: Any) -> Connection:
        """The connection, after writing all rows."""
        self._write()
        return super().connection(*arguments, **options)

    def scalars(self, statement: Any, *arguments: Any, **options: Any) -> Any:
        """The first column of a query's rows, after writing all rows."""
        self._write()
        return super().scalars(statement, *arguments, **options)

    def scalar(self, statement: Any, *arguments: Any, **options: Any) -> Any:
        """The first value of a query, after writing all rows."""
        self._write()
        return super().scalar(statement, *arguments, **options)

    def execute(self, statement: Any, *arguments: Any, **options: Any) -> Any:
        """The result of a statement; writes all rows before a query."""
        if statement.is_select:
            self._write()
        return super().execute(statement, *arguments, **options)

    def _write(self) -> None:
        super().flush()
        self._pending.clear()
