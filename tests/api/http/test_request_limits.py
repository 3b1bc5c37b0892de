"""Limits on the size of bodies, the rate of requests and the number of wrong keys."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from api.http.app import create_app
from api.http.request_limits import MAX_CALLERS, RateLimit, client_address
from api.settings import Settings
from nas_controller.store import Store
from tests.support.api_access import HOST, OWN, bearer, create_key

JSON = {"Content-Type": "application/json"}


def client_of(settings: Settings, store: Store, **changes: float) -> TestClient:
    """A client of a service with other limits."""
    app = create_app(settings.model_copy(update=changes), store, trusted_hosts=(HOST,))
    return TestClient(app, base_url=f"http://{HOST}")


def is_problem(response: object, status: int) -> bool:
    """Whether the response is a problem document with that status."""
    kind = response.headers["content-type"]  # type: ignore[attr-defined]
    return response.status_code == status and kind == "application/problem+json"  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", ["/v1/campaigns", "/login"])
def test_a_large_body_is_rejected_with_and_without_content_length(service: TestClient, store: Store, path: str) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if path == "/login" else JSON

    def chunks() -> Iterator[bytes]:
        for _ in range(20):
            yield b" " * 2**16

    response = service.post(path, content=b" " * (2**20 + 1), headers=headers | OWN)
    assert is_problem(response, 413)
    assert "1,048,576 bytes" in response.json()["detail"]
    assert response.headers["x-request-id"]
    untold = service.post(path, content=chunks(), headers=headers | OWN)
    assert "content-length" not in untold.request.headers
    assert is_problem(untold, 413)
    lying = service.post(path, content=chunks(), headers=headers | OWN | {"Content-Length": "5"})
    assert is_problem(lying, 413)
    assert store.reads.list_campaigns().items == ()


def test_a_body_of_exactly_the_limit_is_accepted(service: TestClient) -> None:
    body = b'{"name": "x", "proxy_task": {"profile": "synthetic"}}'
    assert service.post("/v1/campaigns", content=body.ljust(2**20), headers=JSON).status_code == 201


def test_each_key_has_its_own_rate_limit(settings: Settings, store: Store) -> None:
    first, second = create_key(store, "view"), create_key(store, "view")
    with client_of(settings, store, requests_per_second=0.001, requests_burst=3) as client:
        statuses = [client.get("/v1/campaigns", headers=bearer(first)).status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
        refused = client.get("/v1/campaigns", headers=bearer(first))
        assert is_problem(refused, 429)
        assert 1 <= int(refused.headers["retry-after"]) <= 1000
        assert client.get("/v1/campaigns", headers=bearer(second)).status_code == 200
        assert client.get("/healthz", headers=bearer(first)).status_code == 200


def test_requests_without_a_key_are_limited_by_address_once_there_are_keys(settings: Settings, store: Store) -> None:
    with client_of(settings, store, requests_per_second=0.001, requests_burst=2) as client:
        assert {client.get("/v1/campaigns").status_code for _ in range(5)} == {
            200
        }  # open, since only this machine can reach it
        create_key(store, "view")
        assert [client.get("/v1/campaigns").status_code for _ in range(3)] == [401, 401, 429]
        assert client.get("/healthz").status_code == 200


def test_a_rate_of_zero_is_no_limit(settings: Settings, store: Store) -> None:
    key = create_key(store, "view")
    with client_of(settings, store, requests_per_second=0.0, requests_burst=1) as client:
        assert {client.get("/v1/campaigns", headers=bearer(key)).status_code for _ in range(5)} == {200}


def test_wrong_keys_block_the_login_form_but_not_valid_keys_in_headers(settings: Settings, store: Store) -> None:
    key = create_key(store, "view")
    with client_of(settings, store, failures_per_minute=3.0) as client:
        statuses = [client.post("/login", data={"key": "wrong"}, headers=OWN).status_code for _ in range(4)]
        assert statuses == [401, 401, 401, 429]
        shut = client.post("/login", data={"key": key}, headers=OWN, follow_redirects=False)
        assert shut.status_code == 429
        assert int(shut.headers["retry-after"]) >= 1
        assert is_problem(client.get("/v1/campaigns", headers=bearer("wrong")), 429)
        assert client.get("/v1/campaigns", headers=bearer(key)).status_code == 200


def test_expired_sessions_do_not_count_as_wrong_keys(settings: Settings, store: Store) -> None:
    key = create_key(store, "view")
    with client_of(settings, store, failures_per_minute=3.0) as client:
        expired = {"Cookie": "effspine_session=expired"}
        assert {client.get("/v1/campaigns", headers=expired).status_code for _ in range(5)} == {401}
        assert client.post("/login", data={"key": key}, headers=OWN, follow_redirects=False).status_code == 303


def test_a_bucket_refills() -> None:
    now = [0.0]
    limit = RateLimit(2.0, 2, clock=lambda: now[0])
    assert [limit.take("a"), limit.take("a")] == [0.0, 0.0]
    assert limit.take("a") == pytest.approx(0.5)
    assert limit.take("b") == 0.0
    now[0] = 0.5
    assert limit.wait("a") == 0.0
    assert limit.take("a") == 0.0
    assert limit.take("a") > 0
    now[0] = 1e6
    assert [limit.take("a") > 0 for _ in range(3)] == [False, False, True]


def test_the_number_of_buckets_is_bounded() -> None:
    limit = RateLimit(1.0, 1, clock=lambda: 0.0)
    for number in range(MAX_CALLERS + 10):
        limit.take(str(number))
    assert len(limit._buckets) == MAX_CALLERS


def test_an_ipv6_address_is_counted_by_its_network() -> None:
    def of(host: str) -> str:
        return client_address({"type": "http", "client": (host, 1)})

    assert of("2001:db8::1") == of("2001:db8::ffff:1") != of("2001:db8:0:1::1")
    assert of("192.0.2.1") == of("::ffff:192.0.2.1") != of("::ffff:192.0.2.2")
    assert client_address({"type": "http", "client": None})


@pytest.mark.parametrize("proxies", ["10.0.0.5", "2001:db8::5, 10.0.0.0/8", "*"])
def test_a_proxy_is_trusted_also_where_the_service_listens_on_all_ipv6_addresses(proxies: str) -> None:
    found: list[str] = []

    async def app(scope: Any, _receive: object, _send: object) -> None:
        found.append(scope["client"][0])

    def ask(host: str) -> str:
        scope = {"type": "http", "client": (host, 1), "headers": [(b"x-forwarded-for", b"192.0.2.7")]}
        asyncio.run(ProxyHeadersMiddleware(app, Settings(trusted_proxies=proxies).proxies)(scope, None, None))  # type: ignore[arg-type]
        return found[-1]

    assert ask("10.0.0.5") == ask("::ffff:10.0.0.5") == "192.0.2.7"
    if proxies != "*":
        assert ask("::ffff:11.0.0.5") == "::ffff:11.0.0.5"
