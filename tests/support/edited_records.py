"""Campaigns in a database file whose values are changed behind the store's back."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import JSON, Column, DateTime, Double, Integer

from nas_controller.campaigns.replay import ReplayError, verify
from nas_controller.store import NotFoundError, Store, sqlite_url
from nas_controller.store.models import UtcDateTime
from tests.support.databases import migrated_sqlite
from tests.support.synthetic_campaigns import Clock


class Recorded(NamedTuple):
    """A campaign in a database file, and a store that is open on it."""

    path: Path
    campaign_id: str
    store: Store

    def differs(self) -> bool:
        """Whether the replay finds a difference."""
        try:
            verify(self.store, self.campaign_id)
        except (ReplayError, NotFoundError):
            return True
        return False

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The rows as SQLite has them, each with its `row_id`."""
        with closing(sqlite3.connect(self.path)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(f"SELECT rowid AS row_id, * FROM {table}")]

    def first_and_last(self, table: str) -> list[dict[str, Any]]:
        """The first and the last row of each kind or state; all of a table that has neither."""
        rows = self.rows(table)
        kinds = [row.get("kind") or row.get("state") for row in rows]
        last = {kind: index for index, kind in enumerate(kinds)}
        return [row for index, row in enumerate(rows) if index in (kinds.index(kinds[index]), last[kinds[index]])]

    def write(self, table: str, row_id: int, column: str, value: Any) -> None:
        """Changes one value behind the store's back; foreign keys are off, as for anybody who opens the file."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            done = connection.execute(f'UPDATE {table} SET "{column}" = ? WHERE rowid = ?', (value, row_id))
            assert done.rowcount == 1


def other_values(column: Column[Any], value: Any) -> Iterator[Any]:
    """Values, as SQLite has them, that the column could have instead."""
    if value is not None and column.nullable:
        yield None
    if isinstance(column.type, JSON):
        yield json.dumps([*json.loads(value), 1] if value and value.startswith("[") else {"other": 1})
    elif isinstance(column.type, (UtcDateTime, DateTime)):
        moment = datetime.fromisoformat(value or "2025-01-02 03:04:05.000000") + timedelta(microseconds=1)
        yield moment.isoformat(sep=" ", timespec="microseconds")
    elif isinstance(column.type, Double):
        yield 0.25 if value is None else value + 1e-12
    elif isinstance(column.type, Integer):
        yield (value or 0) + (100 if column.primary_key else 1)
    else:
        yield f"{value or ''}x"


def recorded_original(directory: Path, record: Callable[[Store, Clock], Iterator[str]]) -> tuple[Path, str]:
    """A database, in one file, of what `record` writes, and the campaign that it names last."""
    path, clock = directory / "effspine.db", Clock()
    with closing(Store.open(migrated_sqlite(path), clock)) as store:
        *_, campaign_id = record(store, clock)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")  # the file alone is the database
    return path, campaign_id


@contextmanager
def opened_copy(original: tuple[Path, str], directory: Path) -> Iterator[Recorded]:
    """A copy of such a database, which may be edited."""
    path, campaign_id = original
    copy = directory / "copy.db"
    shutil.copyfile(path, copy)
    with closing(Store.open(sqlite_url(copy))) as store:
        yield Recorded(copy, campaign_id, store)
