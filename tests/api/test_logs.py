"""The log: one line of JSON or text per entry, with the request id and without secrets."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from api.logs import log_to_stderr
from api.settings import Settings
from nas_controller.store import Store, StoreUnavailableError
from tests.support.api_access import bearer, create_key, log_in
from tests.support.recorder import Recorder


@pytest.fixture(autouse=True)
def _root_logger() -> Iterator[None]:
    """Restores the logging configuration after the test."""
    root, access = logging.getLogger(), logging.getLogger("effspine.access")
    before = root.handlers[:], root.level, access.level
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    access.setLevel(before[2])


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_each_request_logs_one_json_line_with_its_route(
    service: TestClient, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    log_to_stderr("json")
    recorder = Recorder(store)
    service.get(f"/v1/campaigns/{recorder.id}?secret=1", headers={"X-Request-ID": "abc-1"})
    (line,) = lines(capsys)
    assert line.pop("seconds", -1.0) >= 0  # type: ignore[operator]
    assert str(line.pop("time")).endswith("Z")
    route = "/v1/campaigns/{campaign_id}"
    assert line == {
        "level": "INFO", "logger": "effspine.access", "message": f"GET {route} 200",
        "request_id": "abc-1", "method": "GET", "path": route, "status": 200,
    }  # fmt: skip


def test_log_lines_have_the_request_id_also_from_other_threads(
    service: TestClient, store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*_: object, **__: object) -> None:
        logging.getLogger("somewhere.else").warning("in the\nmiddle")
        raise StoreUnavailableError("the disk burns")

    log_to_stderr("json")
    monkeypatch.setattr(store.reads, "get_campaign", unavailable)
    monkeypatch.setattr(store.reads, "campaign_version", unavailable)
    for request_id in ("one", "two"):
        service.get("/v1/campaigns/c", headers={"X-Request-ID": request_id})
    logging.getLogger("somewhere.else").warning("outside")
    found = lines(capsys)
    assert [line.get("request_id") for line in found] == ["one"] * 3 + ["two"] * 3 + [None]
    assert [line["logger"] for line in found[:3]] == ["somewhere.else", "effspine.api", "effspine.access"]
    assert found[2]["level"] == "WARNING"


def test_a_traceback_is_part_of_its_log_line(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr("json")
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("x").exception("it failed: %s", "why")
    (line,) = lines(capsys)
    assert line["message"] == "it failed: why"
    assert "ValueError: broken" in str(line["exception"])


def test_the_text_log_has_access_lines_only_for_failures(
    service: TestClient, store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log_to_stderr("text")
    service.get("/v1/campaigns")
    service.get("/nothing")
    assert capsys.readouterr().err == ""

    def broken(**_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(store.reads, "list_campaigns", broken)
    service.get("/v1/campaigns", params={"limit": 1}, headers={"X-Request-ID": "abc-1"})
    error = capsys.readouterr().err
    assert "request failed: GET /v1/campaigns [request abc-1]" in error
    assert "GET /v1/campaigns 500 [request abc-1]" in error


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_keys_and_cookies_are_never_logged(
    service: TestClient, store: Store, capsys: pytest.CaptureFixture[str], log_format: str
) -> None:
    log_to_stderr("json" if log_format == "json" else "text")
    key = create_key(store, "operate")
    service.get("/v1/campaigns", headers=bearer(key))
    service.get("/v1/campaigns", headers=bearer(key + "wrong"))
    service.get("/v1/campaigns", params={"key": key})
    service.get(f"/v1/campaigns/{key}", headers=bearer(key))
    log_in(service, key)
    service.get("/")
    (token,) = service.cookies.values()
    err = capsys.readouterr().err
    assert key not in err
    assert token not in err


def test_the_format_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EFFSPINE_LOG_FORMAT", "json")
    assert Settings().log_format == "json"
    monkeypatch.setenv("EFFSPINE_LOG_FORMAT", "xml")
    with pytest.raises(ValueError, match="log_format"):
        Settings()
