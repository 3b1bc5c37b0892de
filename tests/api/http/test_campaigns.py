"""Creating, listing, reading and stopping campaigns over HTTP."""

from __future__ import annotations

from fastapi.testclient import TestClient

from api.settings import Settings
from nas_controller.store import Store
from tests.support.recorder import SYNTHETIC, Recorder


def test_a_created_campaign_is_pending_and_found_at_its_location(service: TestClient) -> None:
    created = service.post("/v1/campaigns", json={"name": "first", "trials": 4, "proxy_task": SYNTHETIC})
    assert created.status_code == 201
    document = created.json()
    assert document["state"] == "pending"
    assert document["spec"]["trials"] == 4
    assert document["spec"]["seed"] == 1
    assert document["baseline_reward"] is None
    assert service.get(created.headers["location"]).json() == document


def test_campaign_documents_have_all_fields(service: TestClient, settings: Settings) -> None:
    (settings.data_dir / "datasets" / "digits").mkdir(parents=True)
    body = {
        "name": "digits",
        "dataset": "digits",
        "trials": 12,
        "parallelism": 1,
        "seed": 1,
        "search_space": {"base": "sp-efficientnet-b0", "budget_madds": None, "mode": "exact"},
        "controller": {"policy": "recurrent"},
        "proxy_task": {"profile": "laptop"},
    }
    created = service.post("/v1/campaigns", json=body)
    assert created.status_code == 201
    assert {"id", "state"} <= created.json().keys()


def test_campaigns_are_listed_newest_first_in_pages(service: TestClient, store: Store) -> None:
    ids = [Recorder(store, name=f"number {number}").id for number in range(5)]
    seen, cursor = [], None
    while True:
        page = service.get("/v1/campaigns", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ids[::-1]


def test_campaigns_are_listed_by_state(service: TestClient, store: Store) -> None:
    Recorder(store)
    running = Recorder(store).run(2)
    items = service.get("/v1/campaigns", params={"state": "running"}).json()["items"]
    assert [item["id"] for item in items] == [running.id]
    assert items[0]["trials_finished"] == 2
    assert items[0]["baseline_reward"] > 0


def test_a_pending_campaign_stops_at_once_and_stopping_again_changes_nothing(service: TestClient, store: Store) -> None:
    path = f"/v1/campaigns/{Recorder(store).id}"
    assert service.post(f"{path}/stop").json()["state"] == "stopped"
    assert service.post(f"{path}/stop").json()["state"] == "stopped"


def test_a_running_campaign_is_stopping_until_its_runner_stops(service: TestClient, store: Store) -> None:
    path = f"/v1/campaigns/{Recorder(store).run(1).id}"
    assert service.post(f"{path}/stop").json()["state"] == "stopping"


def test_a_completed_campaign_cannot_be_stopped(service: TestClient, store: Store) -> None:
    recorder = Recorder(store, trials=2).run(2)
    assert recorder.record.state == "completed"
    refused = service.post(f"/v1/campaigns/{recorder.id}/stop")
    assert refused.status_code == 409
    assert "completed" in refused.json()["detail"]


def test_a_campaign_is_paused_and_resumed(service: TestClient, store: Store) -> None:
    recorder = Recorder(store).run(1)
    path = f"/v1/campaigns/{recorder.id}"
    pausing = service.post(f"{path}/pause").json()
    assert (pausing["state"], pausing["pause_mode"]) == ("pausing", "drain")
    assert service.post(f"{path}/pause", json={"mode": "abort"}).json()["pause_mode"] == "abort"
    assert store.service.request_resume(recorder.id).state == "running"
    assert service.post(f"{path}/resume").json()["state"] == "running"
    for body in ({"mode": "soon"}, {"until": 3}):
        refused = service.post(f"{path}/pause", json=body)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["field"] in body


def test_a_completed_campaign_neither_pauses_nor_resumes(service: TestClient, store: Store) -> None:
    recorder = Recorder(store, trials=2).run(2)
    allowed = "pending, running, pausing or paused"
    for action in ("pause", "resume"):
        refused = service.post(f"/v1/campaigns/{recorder.id}/{action}")
        assert refused.status_code == 409
        assert refused.headers["content-type"] == "application/problem+json"
        assert f"is completed and cannot be {action}d; only one that is {allowed} can be" in refused.json()["detail"]


def test_the_stop_condition_that_ended_a_campaign_is_shown(service: TestClient, store: Store) -> None:
    recorder = Recorder(store, stop={"target_reward": 0.01})
    recorder.finish(recorder.begin())
    campaign = service.get(f"/v1/campaigns/{recorder.id}").json()
    assert (campaign["state"], campaign["stopped_because"]) == ("completed", "target_reward")
    assert campaign["spec"]["stop"]["target_reward"] == 0.01
    refused = service.post(
        "/v1/campaigns", json={"name": "x", "proxy_task": SYNTHETIC, "stop": {"target_reward": 2}}
    ).json()
    assert refused["errors"][0]["field"] == "stop.target_reward"
