"""A POST that is repeated under its idempotency key is executed once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from api.http.app import create_app
from api.settings import Settings
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.store import CampaignRecord, Store, StoreUnavailableError
from tests.support.api_access import bearer, create_key

DOCUMENT: dict[str, Any] = {"name": "once", "trials": 3, "proxy_task": {"profile": "synthetic"}}


def create(service: TestClient, key: str, document: dict[str, Any] = DOCUMENT, **headers: str) -> Response:
    return service.post("/v1/campaigns", json=document, headers={"Idempotency-Key": key, **headers})


def names(store: Store) -> list[str]:
    return [campaign.name for campaign in store.reads.list_campaigns().items]


def test_a_repeated_request_gets_the_same_response(service: TestClient, store: Store) -> None:
    first, second = create(service, "one"), create(service, "one")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert first.headers["location"] == second.headers["location"]
    assert second.headers["content-type"] == "application/json"
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert names(store) == ["once"]
    assert create(service, "another").json()["id"] != first.json()["id"]


def test_without_a_key_every_request_is_executed(service: TestClient, store: Store) -> None:
    for _ in range(2):
        assert service.post("/v1/campaigns", json=DOCUMENT).status_code == 201
    assert len(names(store)) == 2


def test_the_same_key_with_another_request_is_rejected(service: TestClient, store: Store) -> None:
    campaign = create(service, "one").json()["id"]
    other = create(service, "one", {**DOCUMENT, "trials": 4})
    assert other.status_code == 422
    assert other.json()["type"] == "urn:effspine:problem:idempotency-key-reused"
    elsewhere = service.post(f"/v1/campaigns/{campaign}/stop", headers={"Idempotency-Key": "one"})
    assert elsewhere.json()["type"] == "urn:effspine:problem:idempotency-key-reused"
    assert store.reads.get_campaign(campaign).state == "pending"


def test_a_request_in_progress_is_not_executed_again(
    service: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = store.service.create_campaign
    seen: list[Response] = []

    def resend_while_creating(spec: CampaignSpec, campaign_id: str | None = None, **more: Any) -> CampaignRecord:
        seen.append(create(service, "one"))
        return original(spec, campaign_id, **more)

    monkeypatch.setattr(store.service, "create_campaign", resend_while_creating)
    assert create(service, "one").status_code == 201
    assert [response.status_code for response in seen] == [409]
    assert seen[0].json()["type"] == "urn:effspine:problem:idempotency-key-busy"
    assert int(seen[0].headers["retry-after"]) >= 1
    assert names(store) == ["once"]


@pytest.mark.parametrize("is_created", [True, False])
@pytest.mark.parametrize("failure", [StoreUnavailableError("unavailable"), RuntimeError("a mistake")])
def test_a_5xx_is_not_stored_and_creates_no_second_campaign(
    service: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch, failure: Exception, is_created: bool
) -> None:
    original = store.service.create_campaign

    def fails(spec: CampaignSpec, campaign_id: str | None = None, **more: Any) -> CampaignRecord:
        if is_created:  # committed, but the response is lost
            original(spec, campaign_id, **more)
        raise failure

    monkeypatch.setattr(store.service, "create_campaign", fails)
    assert create(service, "one").status_code >= 500
    monkeypatch.setattr(store.service, "create_campaign", original)
    again = create(service, "one")
    assert again.status_code == 201
    assert "idempotent-replayed" not in again.headers
    assert names(store) == ["once"]


def test_a_response_that_cannot_be_stored_is_a_failure_and_the_retry_finds_the_campaign(
    service: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*_: object) -> None:
        raise StoreUnavailableError("unavailable")

    monkeypatch.setattr("nas_controller.store.idempotency_keys.RESERVATION_SECONDS", 0.0)
    with monkeypatch.context() as patched:
        patched.setattr(store.service, "save_response", unavailable)
        assert create(service, "one").status_code == 503
    assert create(service, "one").status_code == 201
    assert names(store) == ["once"]


def test_4xx_responses_are_stored_too(service: TestClient) -> None:
    first = create(service, "one", {"name": ""})
    second = create(service, "one", {"name": ""})
    assert (first.status_code, second.status_code) == (422, 422)
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("key", ["", "a" * 256, "k\u00e9y".encode(), "a\tb"])
def test_a_malformed_idempotency_key_is_rejected(service: TestClient, store: Store, key: Any) -> None:
    response = create(service, key)
    assert response.status_code == 400
    assert response.json()["type"] == "urn:effspine:problem:idempotency-key-malformed"
    assert "Idempotency-Key" in response.json()["detail"]
    assert names(store) == []


def test_two_idempotency_keys_are_rejected(service: TestClient) -> None:
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    assert service.post("/v1/campaigns", json=DOCUMENT, headers=headers).status_code == 400


def test_two_callers_can_use_the_same_idempotency_key(service: TestClient, store: Store) -> None:
    one, other, reader = create_key(store, "operate"), create_key(store, "operate"), create_key(store, "view")
    first = create(service, "one", **bearer(one)).json()
    assert create(service, "one", **bearer(other)).json()["id"] != first["id"]
    assert create(service, "one", **bearer(one)).json()["id"] == first["id"]
    assert create(service, "one", **bearer(reader)).status_code == 403
    assert create(service, "one").status_code == 401


def test_a_too_large_body_does_not_reserve_the_key(settings: Settings, store: Store) -> None:
    app = create_app(settings.model_copy(update={"body_limit_bytes": 1_024}), store, trusted_hosts=("testserver",))
    headers = {"Idempotency-Key": "one", "Content-Type": "application/json"}
    with TestClient(app) as client:
        chunks: Callable[[], Any] = lambda: iter([b" " * 1_000, b" " * 1_000])  # noqa: E731
        assert client.post("/v1/campaigns", content=chunks(), headers=headers).status_code == 413
        assert client.post("/v1/campaigns", json=DOCUMENT, headers=headers).status_code == 201


def test_pauses_and_stops_accept_idempotency_keys(service: TestClient, store: Store) -> None:
    campaign = create(service, "one").json()["id"]
    path = f"/v1/campaigns/{campaign}"
    paused = service.post(f"{path}/pause", headers={"Idempotency-Key": "two"})
    service.post(f"{path}/resume")
    assert store.reads.get_campaign(campaign).state == "pending"
    assert service.post(f"{path}/pause", headers={"Idempotency-Key": "two"}).content == paused.content
    assert store.reads.get_campaign(campaign).state == "pending"
