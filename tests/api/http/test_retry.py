"""A failed campaign is retried over HTTP."""

from __future__ import annotations

from fastapi.testclient import TestClient

from nas_controller.search.outcomes import Failed
from nas_controller.states import KeyScope
from nas_controller.store import Store
from tests.support.api_access import bearer, create_key
from tests.support.recorder import Recorder


def failed(store: Store) -> Recorder:
    recorder = Recorder(store, trials=3).run(1)
    recorder.campaign.complete(recorder.begin(), Failed("stop", "000.jpg is truncated", "unreadable-image"))
    return recorder


def test_a_failed_campaign_continues(service: TestClient, store: Store) -> None:
    recorder = failed(store)
    path = f"/v1/campaigns/{recorder.id}"
    before = service.get(path).json()
    assert (before["state"], before["error_kind"]) == ("failed", "unreadable-image")
    response = service.post(f"{path}/retry")
    assert response.status_code == 200
    after = response.json()
    assert (after["state"], after["error"], after["error_kind"], after["finished_at"]) == ("running", None, None, None)
    assert after["trials_finished"] == 1
    assert service.get(path).json() == after
    recorder.release()
    assert recorder.run(3).record.state == "completed"


def test_only_a_failed_campaign_is_retried(service: TestClient, store: Store) -> None:
    completed = Recorder(store, trials=1).run(1)
    response = service.post(f"/v1/campaigns/{completed.id}/retry")
    assert response.status_code == 409
    assert response.json()["type"] == "urn:effspine:problem:state-conflict"
    assert "is completed and cannot be retried" in response.json()["detail"]
    assert service.post("/v1/campaigns/c_0/retry").status_code == 404


def test_a_retry_sent_twice_with_one_key_is_one(service: TestClient, store: Store) -> None:
    recorder = failed(store)
    headers = {"Idempotency-Key": "once"}
    first = service.post(f"/v1/campaigns/{recorder.id}/retry", headers=headers)
    second = service.post(f"/v1/campaigns/{recorder.id}/retry", headers=headers)
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json()
    assert service.post(f"/v1/campaigns/{recorder.id}/retry").status_code == 409


def test_a_retry_needs_the_scope_operate(service: TestClient, store: Store) -> None:
    recorder = failed(store)
    expected: tuple[tuple[KeyScope, int], ...] = (("view", 403), ("operate", 200))
    for scope, status in expected:
        response = service.post(f"/v1/campaigns/{recorder.id}/retry", headers=bearer(create_key(store, scope)))
        assert response.status_code == status


def test_the_conditional_list_shows_what_a_campaign_waits_for(service: TestClient, store: Store) -> None:
    recorder = Recorder(store, trials=3).run(1)
    for path in ("/v1/campaigns", f"/v1/campaigns/{recorder.id}"):
        etag = service.get(path).headers["etag"]
        lease = recorder.campaign._lease
        store.runner.wait(lease, "the disk is full", "disk-full")
        waiting = service.get(path, headers={"If-None-Match": etag})
        assert waiting.status_code == 200
        assert '"waiting_for":"the disk is full"' in waiting.text
        recorder.release()
        recorder.begin()
        claimed = service.get(path, headers={"If-None-Match": waiting.headers["etag"]})
        assert '"waiting_for":null' in claimed.text
