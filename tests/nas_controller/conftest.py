"""Stores for the tests of this package."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nas_controller.store import Store, sqlite_url
from tests.nas_controller.synthetic_campaigns import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind that the store must work on."""
    assert request.param == "sqlite"
    return sqlite_url(tmp_path / "effspine.db")


@pytest.fixture
def store(database_url: str, clock: Clock) -> Iterator[Store]:
    opened = Store.open(database_url, clock)
    yield opened
    opened.close()
