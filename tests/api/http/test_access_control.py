"""Accepted and rejected hosts and origins, and the security headers."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from api.http.app import create_app
from api.http.trusted_hosts import without_port
from api.loopback import is_loopback
from api.settings import Settings
from nas_controller.store import Store


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8000", "localhost:8000", "[::1]:8000", "[::1]"])
def test_loopback_hosts_are_accepted(service: TestClient, host: str) -> None:
    assert service.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["example.org", "127.0.0.1.example.org", "10.0.0.5:8000", "", "localhost.evil"])
def test_a_foreign_host_header_is_rejected(service: TestClient, host: str) -> None:
    response = service.get("/v1/campaigns", headers={"Host": host})
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["request_id"] == response.headers["x-request-id"]


@pytest.mark.parametrize("origin", ["http://example.org", "null", "http://localhost:9999"])
def test_a_request_with_a_foreign_origin_is_rejected(service: TestClient, origin: str) -> None:
    response = service.post("/v1/campaigns", json={}, headers={"Host": "localhost:8000", "Origin": origin})
    assert response.status_code == 403
    assert response.json()["request_id"] == response.headers["x-request-id"]


def test_a_request_from_an_own_page_is_accepted(service: TestClient) -> None:
    headers = {"Host": "localhost:8000", "Origin": "http://localhost:8000"}
    assert service.post("/v1/campaigns", json={}, headers=headers).status_code == 422


@pytest.mark.parametrize("path", ["/", "/healthz", "/v1/campaigns", "/nothing", "/docs", "/static/page.css"])
def test_every_response_has_the_security_headers(service: TestClient, path: str) -> None:
    headers = service.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in policy
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-request-id"]


def test_configured_host_names_are_accepted(settings: Settings, store: Store) -> None:
    more = {"host": "192.0.2.1", "allowed_hosts": "Search.example.org, search"}
    app = create_app(settings.model_copy(update=more), store)
    with TestClient(app) as client:
        for host in ("192.0.2.1:8000", "search.example.org", "SEARCH:8000", "localhost"):
            assert client.get("/healthz", headers={"Host": host}).status_code == 200, host
        for host in ("192.0.2.2", "example.org", "search.example.org.evil", "testserver", ""):
            assert client.get("/healthz", headers={"Host": host}).status_code == 400, host
    assert Settings(host="0.0.0.0", allowed_hosts=" , [2001:db8::1],").hosts == ("2001:db8::1",)
    assert Settings(host="::").hosts == ()


@pytest.mark.parametrize("path", ["/", "/healthz", "/v1/keys", "/openapi.json", "/nothing", "/docs", "/metrics"])
def test_responses_that_depend_on_a_key_are_not_cached(service: TestClient, path: str) -> None:
    assert service.get(path).headers["cache-control"] == "no-store"
    assert service.get("/static/page.css").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_cross_site_requests_cannot_change_anything(service: TestClient, site: str) -> None:
    response = service.post("/v1/campaigns", json={}, headers={"Sec-Fetch-Site": site})
    assert response.status_code == 403
    assert response.json()["type"] == "urn:effspine:problem:foreign-origin"


def test_loopback_names_and_addresses() -> None:
    assert all(is_loopback(host) for host in ("localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "192.168.1.2", "example.org", ""))
    assert without_port("[::1]:8000") == "::1"
    assert without_port("localhost:8000") == "localhost"
