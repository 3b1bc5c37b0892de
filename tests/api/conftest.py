"""Fixtures: a service on an SQLite database in a temporary directory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.http.app import create_app
from api.settings import DATABASE_FILE, Settings
from nas_controller.store import Store
from tests.support.api_access import HOST
from tests.support.databases import migrated_sqlite


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a service in a temporary directory."""
    for name in [name for name in os.environ if name.startswith("EFFSPINE_")]:
        monkeypatch.delenv(name)
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    """The empty store of that service."""
    store = Store.open(migrated_sqlite(settings.data_dir / DATABASE_FILE))
    yield store
    store.close()


@pytest.fixture
def service(settings: Settings, store: Store) -> Iterator[TestClient]:
    """A client of that service, without a network."""
    app = create_app(settings, store, trusted_hosts=(HOST,))
    with TestClient(app, base_url=f"http://{HOST}", raise_server_exceptions=False) as client:
        yield client
