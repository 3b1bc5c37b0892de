"""Drafts, changes and estimates over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from nas_controller.store import Store
from tests.support.recorder import SYNTHETIC, Recorder


def test_a_draft_is_changed_and_started(service: TestClient) -> None:
    body = {"name": "first", "trials": 4, "proxy_task": SYNTHETIC}
    draft = service.post("/v1/campaigns", params={"draft": "true"}, json=body).json()
    assert draft["state"] == "draft"
    path = f"/v1/campaigns/{draft['id']}"
    changed = service.patch(path, json={"seed": 7, "stop": {"target_reward": 0.9}})
    assert changed.status_code == 200
    assert changed.json()["spec"] == {
        **draft["spec"], "seed": 7,
        "stop": {"target_reward": 0.9, "wall_seconds": None, "no_improvement_trials": None, "device_hours": None},
    }  # fmt: skip
    assert [item["id"] for item in service.get("/v1/campaigns", params={"state": "draft"}).json()["items"]] == [
        draft["id"]
    ]
    assert service.post(f"{path}/start").json()["state"] == "pending"
    assert service.post(f"{path}/start").json()["state"] == "pending"


def test_a_running_campaign_accepts_more_trials_and_workers_but_no_other_search(
    service: TestClient, store: Store
) -> None:
    running = Recorder(store, trials=4).run(2)
    path = f"/v1/campaigns/{running.id}"
    changed = service.patch(path, json={"trials": 6, "parallelism": 3})
    assert (changed.json()["spec"]["trials"], changed.json()["spec"]["parallelism"]) == (6, 3)
    refused = service.patch(path, json={"trials": 7, "controller": {"entropy_bonus": 1}})
    assert refused.status_code == 409
    assert "`controller` cannot be changed after the start" in refused.json()["detail"]
    assert service.get(path).json()["spec"]["trials"] == 6
    running.run(6)
    assert service.get(path).json()["state"] == "completed"
    assert service.patch(path, json={"trials": 9}).json()["state"] == "running"


@pytest.mark.parametrize(
    ("patch", "field", "message"),
    [
        ({"trials": 1}, "trials", "2 trials have begun"),
        ({"trials": -1}, "trials", "-1 is out of range; it must be 1 to 100,000"),
        ({"parallelism": 9_999}, "parallelism", "9999 is out of range; it must be 1 to 1,024"),
        ({"resources": {"gpus": 1.5}}, "resources.gpus", "above 1 a trial takes whole GPUs: give 1 or 2"),
        ({"resources": {"gpus": 1, "tpus": 4}}, "resources.gpus", "GPUs or TPUs"),
        ({"colour": "red"}, "colour", "unknown field 'colour'; the fields are name, dataset"),
        ({"search_space": {"budget_madds": 5}}, "search_space.budget_madds", "5"),
    ],
)
def test_an_invalid_change_names_the_field(
    service: TestClient, store: Store, patch: dict[str, Any], field: str, message: str
) -> None:
    refused = service.patch(f"/v1/campaigns/{Recorder(store).run(2).id}", json=patch)
    assert refused.status_code == 422
    (problem,) = refused.json()["errors"]
    assert problem["field"] == field
    assert message in problem["message"]


def test_an_invalid_patch_is_rejected(service: TestClient, store: Store) -> None:
    path = f"/v1/campaigns/{Recorder(store).id}"
    assert service.patch(path, json=[1]).status_code == 422
    assert service.patch(path, content="trials=3", headers={"Content-Type": "text/plain"}).status_code == 415
    assert service.patch("/v1/campaigns/c_0", json={"trials": 3}).status_code == 404


def test_an_estimate_is_based_on_trials_of_the_same_task(service: TestClient, store: Store) -> None:
    body: dict[str, Any] = {"name": "next", "trials": 10, "parallelism": 4, "proxy_task": {**SYNTHETIC, "seconds": 6}}
    estimated = service.post("/v1/campaigns/estimate", json=body).json()
    assert estimated == {
        "trials": 10, "parallelism": 4, "basis": "profile", "measured_trials": 0, "seconds_per_trial": 6.0,
        "at_once": 4, "wall_seconds": 18.0, "device_hours": round(60 / 3600, 6), "bounded_by": None,
        "shared_training": None, "finals": None,
    }  # fmt: skip
    body["stop"] = {"wall_seconds": 9}
    estimated = service.post("/v1/campaigns/estimate", json=body).json()
    assert (estimated["wall_seconds"], estimated["bounded_by"]) == (9.0, "wall_seconds")
    assert store.reads.list_campaigns().items == ()
