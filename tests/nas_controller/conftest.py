"""Stores on SQLite, and on PostgreSQL in the slow tier; `ON_EACH_DATABASE` has a test run on both in each tier."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from nas_controller.store import Store, sqlite_url
from tests.support.databases import MigratedDatabases, migrated_sqlite
from tests.support.postgresql import Server, server_or_skip
from tests.support.synthetic_campaigns import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server; without its programs, tests that need it are skipped or fail (`server_or_skip`)."""
    yield from server_or_skip()


@pytest.fixture(scope="session")
def migrated_databases(postgresql: Server) -> Iterator[MigratedDatabases]:
    """Migrated databases of that server."""
    databases = MigratedDatabases(postgresql)
    yield databases
    databases.close()


@pytest.fixture
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], AbstractContextManager[str]]:
    """Makes a database of a kind, migrated and without rows; the context has its URL."""

    @contextmanager
    def make(kind: str) -> Iterator[str]:
        if kind == "sqlite":
            yield migrated_sqlite(tmp_path / "effspine.db")
            return
        databases: MigratedDatabases = request.getfixturevalue("migrated_databases")
        with databases.acquire() as url:
            yield url

    return make


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def database_url(
    request: pytest.FixtureRequest, new_database: Callable[[str], AbstractContextManager[str]]
) -> Iterator[str]:
    """A database of each supported kind, migrated and without rows."""
    with new_database(request.param) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of each supported kind, without tables."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "effspine.db")
        return
    server: Server = request.getfixturevalue("postgresql")
    with server.fresh_database() as url:
        yield url


@pytest.fixture
def store(database_url: str, clock: Clock) -> Iterator[Store]:
    opened = Store.open(database_url, clock)
    yield opened
    opened.close()
