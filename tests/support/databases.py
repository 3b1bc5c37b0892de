"""Databases with this version's schema, for tests that are not about migrations: one is migrated in a process, the
others are copies of it (SQLite), or the same one emptied (PostgreSQL).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

from sqlalchemy import create_engine

from nas_controller.store import Store, sqlite_url
from nas_controller.store.models import Base
from tests.support.postgresql import Server

MAX_DELETED_ROWS = 10_000
"""A database that had more rows is dropped: dead rows would slow the tests that get it next."""


@cache
def _sqlite_template() -> tuple[tempfile.TemporaryDirectory[str], Path]:
    """A migrated file, and its directory, which is removed when the process ends."""
    directory = tempfile.TemporaryDirectory(prefix="effspine-template-")
    path = Path(directory.name) / "effspine.db"
    Store.open(sqlite_url(path)).close()
    return directory, path


def migrated_sqlite(path: Path) -> str:
    """Makes an empty, migrated SQLite file at `path`; its URL."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_sqlite_template()[1], path)
    return sqlite_url(path)


class MigratedDatabases:
    """Empty, migrated databases of a PostgreSQL server.

    To delete a test's rows takes a hundredth of the time that a new database takes, from a template or migrated.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._idle: list[str] = []
        self._open = ExitStack()

    @contextmanager
    def lend(self) -> Iterator[str]:
        """The URL of one for the time of the block, which must not change its schema."""
        url = self._idle.pop() if self._idle else self._create()
        yield url
        if self._empty(url) <= MAX_DELETED_ROWS:
            self._idle.append(url)

    def close(self) -> None:
        """Drops all of them."""
        self._open.close()

    def _create(self) -> str:
        url = self._open.enter_context(self._server.fresh_database())
        Store.open(url).close()
        return url

    def _empty(self, url: str) -> int:
        """Ends whatever is connected, deletes all rows, and returns how many there were."""
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
