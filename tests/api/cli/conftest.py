"""Fixtures: a command line and a service per test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from api.http.app import create_app
from api.http.server import listen
from api.settings import DATABASE_FILE, Settings
from nas_controller.store import Store
from tests.support.command_line import CommandLine, free_port
from tests.support.databases import migrated_sqlite


@pytest.fixture
def port() -> int:
    """A free port."""
    return free_port()


@pytest.fixture
def effspine(tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The command line with its own data directory and port."""
    return CommandLine.on_port(port, tmp_path / "data", monkeypatch)


@pytest.fixture
def served(tmp_path: Path, port: int) -> Iterator[Store]:
    """A service without a supervisor at `port`; its store."""
    settings = Settings(data_dir=tmp_path / "data", port=port)
    store = Store.open(migrated_sqlite(settings.data_dir / DATABASE_FILE))
    config = uvicorn.Config(create_app(settings, store), log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    # The socket listens before the server runs, so that no connection is refused.
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listen(settings)]})
    thread.start()
    yield store
    server.should_exit = True
    thread.join()
    store.close()
