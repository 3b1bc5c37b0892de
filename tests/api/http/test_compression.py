"""Compressed responses, and responses that are never compressed."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from api.http.compression import MIN_COMPRESSED_BYTES
from nas_controller.store import Store
from tests.support.recorder import Recorder

PLAIN = {"Accept-Encoding": "identity"}


@pytest.mark.parametrize(
    "path", ["/", "/static/figure.js", "/static/page.css", "/openapi.json", "/docs/assets/swagger-ui.css", "/metrics"]
)
def test_text_is_compressed_if_the_client_accepts_gzip(service: TestClient, path: str) -> None:
    compressed, plain = service.get(path), service.get(path, headers=PLAIN)
    assert compressed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    for response in (compressed, plain):
        assert "Accept-Encoding" in response.headers["vary"]
    if path != "/metrics":
        assert compressed.content == plain.content
    assert int(compressed.headers.get("content-length", 0)) < len(plain.content)


def test_campaigns_and_diagrams_are_compressed(service: TestClient, store: Store) -> None:
    recorder = Recorder(store).run(2)
    for path in ("trials", "best", "figures/widths?points=10", "exports/svg", "exports/json"):
        address = f"/v1/campaigns/{recorder.id}/{path}"
        compressed, plain = service.get(address), service.get(address, headers=PLAIN)
        assert ("content-encoding" in compressed.headers) == (len(plain.content) >= MIN_COMPRESSED_BYTES)
        assert "content-encoding" not in plain.headers
        assert compressed.content == plain.content
        for response in (compressed, plain):
            assert response.headers["vary"].count("Accept-Encoding") == 1
    assert len(service.get(f"/v1/campaigns/{recorder.id}/trials").content) > MIN_COMPRESSED_BYTES


def test_small_responses_are_not_compressed(service: TestClient) -> None:
    assert "content-encoding" not in service.get("/healthz").headers


def test_the_etag_of_compressed_files_is_weak_and_still_matches(service: TestClient) -> None:
    compressed, plain = service.get("/static/page.css"), service.get("/static/page.css", headers=PLAIN)
    assert compressed.headers["etag"] == f"W/{plain.headers['etag']}"
    again = service.get("/static/page.css", headers={"If-None-Match": compressed.headers["etag"]})
    assert again.status_code == 304


def test_event_streams_are_never_compressed(service: TestClient, store: Store) -> None:
    recorder = Recorder(store, trials=3).run(3)
    response = service.get(f"/v1/campaigns/{recorder.id}/events", headers={"Accept-Encoding": "gzip"})
    assert len(response.text) > 1_024
    assert "content-encoding" not in response.headers
    assert response.headers["cache-control"].startswith("no-")
