"""Fixtures: a command line and a service for each test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from api.http.app import create_app
from api.http.server import listen
from api.settings import Settings
from nas_controller.store import Store
from tests.support.command_line import CommandLine, free_port


@pytest.fixture
def port() -> int:
    """A free port."""
    return free_port()


@pytest.fixture
def effspine(tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The command line with a data directory and a service address of its own."""
    return CommandLine(
        {
            "EFFSPINE_ALLOWED_HOSTS": "",
            "EFFSPINE_API_KEY": "",
            "EFFSPINE_DATA_DIR": str(tmp_path / "data"),
            "EFFSPINE_DATABASE_URL": "",
            "EFFSPINE_DEBUG": "",
            "EFFSPINE_HOST": "",
            "EFFSPINE_PORT": "",
            "EFFSPINE_URL": f"http://127.0.0.1:{port}",
            "COLUMNS": "200",
        },
        monkeypatch,
    )


@pytest.fixture
def served(tmp_path: Path, port: int) -> Iterator[Store]:
    """A service without a supervisor at `port`; its store."""
    settings = Settings(data_dir=tmp_path / "data", port=port)
    store = Store.open(settings.database_url)
    config = uvicorn.Config(create_app(settings, store), log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    # The socket listens before the server runs, so nobody is turned away meanwhile.
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listen(settings)]})
    thread.start()
    yield store
    server.should_exit = True
    thread.join()
    store.close()
