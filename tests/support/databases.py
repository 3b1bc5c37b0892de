"""Databases with the current schema, for tests that are not about migrations. Each process migrates one database; the
others are copies of it (SQLite), or it is emptied and reused (PostgreSQL).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from nas_controller.store import Store, sqlite_url
from nas_controller.store.models import Base
from tests.support.postgresql import Server

ON_EACH_DATABASE = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
"""Of a test outside that of the store: it runs on PostgreSQL in the default tier too."""

MAX_DELETED_ROWS = 10_000
"""A database that had more rows is not reused: dead rows would slow down the next tests."""


@cache
def _sqlite_template() -> tuple[tempfile.TemporaryDirectory[str], Path]:
    """A migrated file, and its directory, which is removed when the process ends."""
    directory = tempfile.TemporaryDirectory(prefix="effspine-template-")
    path = Path(directory.name) / "effspine.db"
    Store.open(sqlite_url(path)).close()
    return directory, path


def migrated_sqlite(path: Path) -> str:
    """Creates an empty, migrated SQLite file at `path`; returns its URL."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_sqlite_template()[1], path)
    return sqlite_url(path)


class MigratedDatabases:
    """A pool of empty, migrated databases of a PostgreSQL server.

    Deleting the rows of a test takes a hundredth of the time of creating a database.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._idle: list[str] = []
        self._open = ExitStack()

    @contextmanager
    def acquire(self) -> Iterator[str]:
        """The URL of a database until the block ends, which must not change its schema."""
        url = self._idle.pop() if self._idle else self._create()
        yield url
        if self._empty(url) <= MAX_DELETED_ROWS:
            self._idle.append(url)

    def close(self) -> None:
        """Drops all databases."""
        self._open.close()

    def _create(self) -> str:
        url = self._open.enter_context(self._server.fresh_database())
        Store.open(url).close()
        return url

    def _empty(self, url: str) -> int:
        """Ends all connections, deletes all rows, and returns their number."""
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
            deleted = sum(
                connection.execute(table.delete()).rowcount for table in reversed(Base.metadata.sorted_tables)
            )
        engine.dispose()
        return deleted
