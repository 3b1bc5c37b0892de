"""The server process: which settings need an API key to start, and how it stops."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from api.http import graceful_server
from api.http.app import create_app
from api.http.routes import figures
from api.http.server import require_keys
from api.settings import Settings
from nas_controller.store import Store
from search_space.errors import InvalidValueError
from tests.support.api_access import create_key
from tests.support.recorder import Recorder
from tests.support.threaded_server import serving


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"host": "0.0.0.0"}, "host"),
        ({"host": "10.0.0.5"}, "host"),
        ({"allowed_hosts": "search.example.org"}, "allowed_hosts"),
        ({"host": "0.0.0.0", "allowed_hosts": "search.example.org"}, "allowed_hosts"),
    ],
)
def test_settings_that_others_can_reach_need_a_key(
    settings: Settings, store: Store, changes: dict[str, str], field: str
) -> None:
    reachable = settings.model_copy(update=changes)
    with pytest.raises(InvalidValueError, match="effspine keys create") as raised:
        require_keys(reachable, store)
    assert raised.value.field == field
    create_key(store, "view")
    require_keys(reachable, store)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_settings_on_loopback_need_none(settings: Settings, store: Store, host: str) -> None:
    require_keys(settings.model_copy(update={"host": host}), store)


def test_a_stop_answers_a_request_that_takes_too_long_and_logs_no_error(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(graceful_server, "CUT_OFF_SECONDS", 0.1)
    began, may_end = threading.Event(), threading.Event()

    def slow(*_: object) -> dict[str, object]:
        began.set()
        may_end.wait()
        return {}

    monkeypatch.setattr(figures, "compute", slow)
    path = f"/v1/campaigns/{Recorder(store).id}/figures/search"
    caplog.set_level(logging.INFO)
    with ThreadPoolExecutor(1) as pool, serving(create_app(settings, store)) as (url, server):
        request = pool.submit(httpx.get, url + path, timeout=60)
        began.wait()
        server.should_exit = True
        try:
            response = request.result()
        finally:
            may_end.set()
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert response.json()["type"] == "urn:effspine:problem:stopping"
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert "1 unfinished request(s) are cut off, with 503 where no response has begun" in caplog.text
