"""Webhooks over HTTP: who may create them, what they may be, and what became of their messages."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.http.app import create_app
from api.settings import Settings
from nas_controller.states import WEBHOOK_EVENTS
from nas_controller.store import Store
from nas_controller.webhooks.delivery import Deliveries
from tests.support.api_access import HOST, bearer, create_key
from tests.support.synthetic_campaigns import claimed_campaign, create
from tests.support.webhook_receiver import Reply, receiving

URL = "https://hooks.example.org/effspine"


def problem(response: Any, status: int) -> str:
    assert response.status_code == status, response.text
    return str(response.json()["detail"])


def test_a_webhook_is_created_listed_and_deleted(service: TestClient) -> None:
    created = service.post("/v1/webhooks", json={"url": URL, "events": ["campaign.failed"]})
    assert created.status_code == 201
    webhook = created.json()
    assert webhook.pop("secret").startswith("whsec_")
    assert webhook["events"] == ["campaign.failed"]
    location = created.headers["location"]
    assert service.get(location).json() == webhook
    assert service.get("/v1/webhooks").json() == {"items": [webhook], "next_cursor": None}
    assert service.delete(location).status_code == 204
    assert "no webhook" in problem(service.get(location), 404)


def test_a_repeated_request_creates_one_webhook_with_one_secret(service: TestClient) -> None:
    headers = {"Idempotency-Key": "one"}
    first, second = (service.post("/v1/webhooks", json={"url": URL}, headers=headers).json() for _ in range(2))
    assert first == second
    assert first["events"] == list(WEBHOOK_EVENTS)
    assert len(service.get("/v1/webhooks").json()["items"]) == 1


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"url": "hooks.example.org"}, 422, "must begin with https://"),
        ({"url": URL, "events": []}, 422, "events"),
        ({"url": URL, "events": ["best"]}, 422, "events"),
        ({"url": URL, "campaign_id": "c_0"}, 404, "no campaign 'c_0'"),
        ({"url": URL, "secret": "mine"}, 422, "secret"),
    ],
)
def test_what_is_wrong_is_named(service: TestClient, body: dict[str, Any], status: int, reason: str) -> None:
    assert reason in service.post("/v1/webhooks", json=body).text
    assert service.post("/v1/webhooks", json=body).status_code == status


def test_the_setting_of_hosts_is_an_allow_list(settings: Settings, store: Store) -> None:
    listed = settings.model_copy(update={"webhook_hosts": "hooks.example.org, *.corp.example"})
    with TestClient(create_app(listed, store, trusted_hosts=(HOST,)), base_url=f"http://{HOST}") as service:
        assert service.post("/v1/webhooks", json={"url": URL}).status_code == 201
        refused = service.post("/v1/webhooks", json={"url": "http://169.254.169.254/latest"})
        assert "allows only hooks.example.org, *.corp.example" in problem(refused, 422)


def test_only_an_administrator_sees_webhooks(service: TestClient, store: Store) -> None:
    admin, operator = bearer(create_key(store, "admin")), bearer(create_key(store, "operate"))
    assert "scope admin" in problem(service.get("/v1/webhooks", headers=operator), 403)
    assert "scope admin" in problem(service.post("/v1/webhooks", json={"url": URL}, headers=operator), 403)
    assert service.post("/v1/webhooks", json={"url": URL}, headers=admin).status_code == 201


def test_deliveries_show_what_became_of_messages(service: TestClient, store: Store) -> None:
    with receiving() as receiver:
        receiver.replies = [Reply(400, body=b"what is this?")]
        path = service.post("/v1/webhooks", json={"url": receiver.url}).headers["location"]
        test = service.post(f"{path}/test").json()
        assert (test["type"], test["state"], test["payload"]) == ("webhook.test", "pending", None)
        deliveries = Deliveries(store)
        deliveries.step()
        failed = service.get(f"{path}/deliveries/{test['id']}").json()
        assert (failed["state"], failed["last_status"], failed["last_response"]) == ("failed", 400, "what is this?")
        claimed_campaign(store, create(store)).end("stopped")
        deliveries.step()
        newest = service.get(f"{path}/deliveries", params={"limit": 1}).json()
        assert [each["type"] for each in newest["items"]] == ["campaign.stopped"]
        assert newest["items"][0]["payload"]["data"]["campaign"]["state"] == "stopped"
        older = service.get(f"{path}/deliveries", params={"cursor": newest["next_cursor"]}).json()
        assert [each["id"] for each in older["items"]] == [test["id"]]
        again = service.post(f"{path}/deliveries/{test['id']}/resend")
        assert (again.status_code, again.json()["state"]) == (202, "pending")
        assert [each["id"] for each in service.get(f"{path}/deliveries?state=pending").json()["items"]] == [test["id"]]
