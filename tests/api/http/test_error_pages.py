"""Errors are pages for browsers and problem documents for everybody else."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from nas_controller.store import Store
from tests.support.api_access import bearer, create_key

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/campaigns/c_0", 404, "There is no campaign &#39;c_0&#39;"),
        ("GET", "/nothing/here", 404, "There is nothing at /nothing/here"),
        ("POST", "/trainings", 405, "POST is not allowed at /trainings; allowed: GET, HEAD"),
        ("GET", "/v1/campaigns?limit=0", 422, "it must be 1 to 1,000"),
    ],
)
def test_a_browser_gets_a_page_with_the_reason_and_a_way_back(
    service: TestClient, method: str, path: str, status: int, words: str
) -> None:
    response = service.request(method, path, headers=BROWSER)
    assert response.status_code == status
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "Accept" in response.headers["vary"]
    assert int(response.headers["content-length"]) == len(response.content)
    assert words in response.text
    assert '<a class="button" href="/">All campaigns</a>' in response.text
    assert response.headers["x-request-id"] in response.text
    assert "default-src 'none'" in response.headers["content-security-policy"]
    if method == "GET":
        head = service.head(path, headers=BROWSER)
        assert (head.status_code, head.content) == (status, b"")
        assert head.headers["content-type"] == response.headers["content-type"]
        assert head.headers["content-length"] == response.headers["content-length"]


@pytest.mark.parametrize("accept", ["application/json", "*/*", "application/problem+json, text/html", ""])
def test_a_program_gets_the_problem_document(service: TestClient, accept: str) -> None:
    response = service.get("/campaigns/c_0", headers={"Accept": accept})
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == 404


def test_an_unexpected_error_is_a_page_without_internals(
    service: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr(store.reads, "get_campaign", broken)
    response = service.get("/campaigns/c_0", headers=BROWSER)
    assert response.status_code == 500
    assert "secret" not in response.text
    assert f"<code>{response.headers['x-request-id']}</code>" in response.text


def test_a_page_that_a_key_may_not_read_offers_to_log_in(service: TestClient, store: Store) -> None:
    create_key(store, "view")
    response = service.get("/v1/campaigns", headers=BROWSER)
    assert response.status_code == 401
    assert '<a class="button" href="/login">Log in</a>' in response.text
    assert service.get("/v1/keys", headers=BROWSER | bearer(create_key(store, "view"))).status_code == 403


def test_a_long_problem_that_is_compressed_is_a_page_too(service: TestClient) -> None:
    response = service.get(f"/{'x' * 3_000}", headers=BROWSER | {"Accept-Encoding": "gzip"})
    assert response.status_code == 404
    assert "x" * 3_000 in response.text
