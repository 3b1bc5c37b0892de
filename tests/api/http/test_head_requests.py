"""HEAD wherever GET works: the same status and headers, and no body."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from unittest.mock import Mock

import pytest
from fastapi.testclient import TestClient

from api.report import documents
from nas_controller.store import Store
from tests.support.api_access import bearer, create_key
from tests.support.api_routes import address, routes
from tests.support.recorder import Recorder

DIFFERING = ("x-request-id", "date")
READ_AT = datetime(2026, 11, 22, 15, tzinfo=UTC)


def addresses(service: TestClient, campaign: str) -> list[str]:
    """A path of every route that GET is allowed on, and of a static file."""
    found = {address(template, campaign) for method, template in routes(service) if method == "GET"}
    assert len(found) >= 15
    return sorted(found | {"/static/page.css", "/nothing", f"/v1/campaigns/{campaign}x"})


def headers_of(response: Any) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name not in DIFFERING}


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_head_has_the_status_and_headers_of_get_and_no_body(
    service: TestClient, store: Store, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "datetime", Mock(now=Mock(return_value=READ_AT)))  # stands in the report
    campaign = Recorder(store, trials=2).run(2).id
    accept = {"Accept-Encoding": encoding}
    for path in addresses(service, campaign):
        got = service.get(path, headers=accept, follow_redirects=False)
        head = service.head(path, headers=accept, follow_redirects=False)
        assert head.status_code == got.status_code, path
        assert head.content == b"", path
        if path.endswith("/events") and got.is_success:
            assert head.headers["content-type"].startswith("text/event-stream")
            continue
        if path != "/metrics":  # it counts the requests, so its length changes
            assert headers_of(head) == headers_of(got), path


def test_head_of_an_event_stream_ends_at_once_though_the_campaign_goes_on(service: TestClient, store: Store) -> None:
    campaign = Recorder(store).id
    for query in ("", "?after=1000"):
        response = service.head(f"/v1/campaigns/{campaign}/events{query}")
        assert (response.status_code, response.content) == (200, b"")
        assert response.headers["cache-control"] == "no-store"


def test_head_needs_the_scope_of_get_and_redirects_browsers_to_the_login(service: TestClient, store: Store) -> None:
    key = create_key(store, "view")
    assert service.head("/v1/campaigns").status_code == 401
    assert service.head("/v1/keys", headers=bearer(key)).status_code == 403
    assert service.head("/v1/campaigns", headers=bearer(key)).status_code == 200
    page = service.head("/docs", headers={"Accept": "text/html"}, follow_redirects=False)
    assert (page.status_code, page.headers["location"]) == (303, "/login?next=%2Fdocs")


def test_head_is_conditional_like_get(service: TestClient, store: Store) -> None:
    path = f"/v1/campaigns/{Recorder(store).id}"
    etag = service.head(path).headers["etag"]
    assert etag == service.get(path).headers["etag"]
    assert service.head(path, headers={"If-None-Match": etag}).status_code == 304


def test_head_is_counted_as_head_and_named_in_allow(service: TestClient, store: Store) -> None:
    campaign = Recorder(store).id
    service.head(f"/v1/campaigns/{campaign}")
    counted = 'effspine_http_requests_total{method="HEAD",route="/v1/campaigns/{campaign_id}",status="200"} 1.0'
    assert counted in service.get("/metrics").text
    refused = service.delete("/v1/campaigns")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, POST")
    stop = service.head(f"/v1/campaigns/{campaign}/stop")
    assert (stop.status_code, stop.headers["allow"]) == (405, "POST")
