"""Stores for the tests of this package, on both kinds of database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from nas_controller.store import Store, sqlite_url
from tests.nas_controller.postgresql import REQUIRED_VARIABLE, Server, running_server, why_not
from tests.nas_controller.synthetic_campaigns import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server. Without its programs, what needs it is skipped, or fails where the variable says so."""
    reason = why_not()
    if reason is not None and os.environ.get(REQUIRED_VARIABLE) == "1":
        pytest.fail(f"{REQUIRED_VARIABLE} is 1, and {reason}")
    if reason is not None:
        pytest.skip(reason)
    with running_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind that the store must work on."""
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
