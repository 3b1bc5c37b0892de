"""Who is answered, and the headers that every answer carries."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from api.loopback import is_loopback, without_port


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8000", "localhost:8000", "[::1]:8000", "[::1]"])
def test_this_machine_is_answered(service: TestClient, host: str) -> None:
    assert service.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["example.org", "127.0.0.1.example.org", "10.0.0.5:8000", "", "localhost.evil"])
def test_a_foreign_host_header_is_refused(service: TestClient, host: str) -> None:
    response = service.get("/v1/campaigns", headers={"Host": host})
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["request_id"] == response.headers["x-request-id"]


@pytest.mark.parametrize("origin", ["http://example.org", "null", "http://localhost:9999"])
def test_a_request_from_a_page_of_another_origin_is_refused(service: TestClient, origin: str) -> None:
    response = service.post("/v1/campaigns", json={}, headers={"Host": "localhost:8000", "Origin": origin})
    assert response.status_code == 403
    assert response.json()["request_id"] == response.headers["x-request-id"]


def test_a_request_from_its_own_page_is_answered(service: TestClient) -> None:
    headers = {"Host": "localhost:8000", "Origin": "http://localhost:8000"}
    assert service.post("/v1/campaigns", json={}, headers=headers).status_code == 422


@pytest.mark.parametrize("path", ["/", "/healthz", "/v1/campaigns", "/nothing", "/docs", "/static/page.css"])
def test_every_answer_carries_the_security_headers(service: TestClient, path: str) -> None:
    headers = service.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-request-id"]


def test_loopback_names_and_addresses() -> None:
    assert all(is_loopback(host) for host in ("localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "192.168.1.2", "example.org", ""))
    assert without_port("[::1]:8000") == "::1"
    assert without_port("localhost:8000") == "localhost"
