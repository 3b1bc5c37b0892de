"""A dry run refuses what a creation refuses, shows what a creation would store, and writes nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.client import Client
from api.settings import DATABASE_FILE, Settings
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.store import Store
from search_space.datasets import write_report
from tests.support.recorder import SYNTHETIC, Recorder

DRY_RUN = {"dry_run": "true"}
FIRST: dict[str, Any] = {
    "name": "first look",
    "trials": 12,
    "parallelism": 2,
    "proxy_task": {**SYNTHETIC, "seconds": 1},
}

VALID: dict[str, dict[str, Any]] = {
    "defaults": {"name": "x", "proxy_task": SYNTHETIC},
    "a whole document": {
        **FIRST,
        "search_space": {"base": "eff-spinenet-d1", "max_block_width": {"5": 128}, "choices": [1, 2]},
        "controller": {"algorithm": "evolution", "population": 10},
        "stop": {"device_hours": 2},
        "finals": {"top": 2, "seeds": 3},
    },
}
INVALID: dict[str, Any] = {
    "no name": {"proxy_task": SYNTHETIC},
    "out of range": {**FIRST, "trials": 0},
    "several fields": {**FIRST, "trials": "many", "colour": 1, "stop": {"target_reward": 2}},
    "a budget that no widths meet": {**FIRST, "search_space": {"budget_madds": 1_000}},
    "an unknown data set": {"name": "x", "dataset": "cars"},
    "no data set": {"name": "x"},
    "a field of another algorithm": {**FIRST, "controller": {"algorithm": "random", "population": 3}},
    "finals without training": {**FIRST, "finals": {"first_seed": 1}},
    "no object": [],
}


def content(settings: Settings) -> list[str]:
    """The whole database as SQL."""
    with closing(sqlite3.connect(settings.data_dir / DATABASE_FILE)) as connection:
        return list(connection.iterdump())


@pytest.mark.parametrize("document", VALID.values(), ids=VALID)
def test_a_dry_run_shows_what_a_creation_stores(service: TestClient, document: dict[str, Any]) -> None:
    tried = service.post("/v1/campaigns", params=DRY_RUN, json=document)
    created = service.post("/v1/campaigns", json=document)
    assert (tried.status_code, created.status_code) == (200, 201)
    assert "location" not in tried.headers
    assert tried.json()["spec"] == created.json()["spec"]
    assert tried.json()["estimate"] == service.post("/v1/campaigns/estimate", json=document).json()


@pytest.mark.parametrize("document", INVALID.values(), ids=INVALID)
def test_a_dry_run_is_refused_as_a_creation_is(service: TestClient, document: Any) -> None:
    tried = service.post("/v1/campaigns", params=DRY_RUN, json=document)
    refused = service.post("/v1/campaigns", json=document)
    assert (tried.status_code, refused.status_code) == (422, 422)
    first, second = tried.json(), refused.json()
    assert first.pop("request_id") != second.pop("request_id")
    assert first == second
    assert first["detail"]


def test_a_dry_run_writes_nothing_and_takes_no_notice_of_a_key(service: TestClient, settings: Settings) -> None:
    before = content(settings)
    headers = {"Idempotency-Key": "one"}
    for flag in ("true", "1", "yes"):
        tried = service.post("/v1/campaigns", params={"dry_run": flag}, json=FIRST, headers=headers)
        assert (tried.status_code, "idempotent-replayed" in tried.headers) == (200, False)
    assert content(settings) == before
    created = service.post("/v1/campaigns", json=FIRST, headers=headers)
    assert created.status_code == 201
    again = service.post("/v1/campaigns", json=FIRST, headers=headers)
    assert again.headers["idempotent-replayed"] == "true"
    tried = service.post("/v1/campaigns", params=DRY_RUN, json=FIRST, headers=headers)
    assert tried.json()["spec"] == created.json()["spec"]
    assert "id" not in tried.json()


def test_a_key_counts_without_a_dry_run_and_elsewhere(service: TestClient) -> None:
    headers = {"Idempotency-Key": "two"}
    created = service.post("/v1/campaigns", params={"dry_run": "no"}, json=FIRST, headers=headers)
    assert created.status_code == 201
    assert service.post("/v1/campaigns?dry_run=perhaps", json=FIRST).status_code == 422
    path = f"/v1/campaigns/{created.json()['id']}/stop"
    assert service.post(path, params=DRY_RUN, headers={"Idempotency-Key": "three"}).json()["state"] == "stopped"
    again = service.post(path, params=DRY_RUN, headers={"Idempotency-Key": "three"})
    assert again.headers["idempotent-replayed"] == "true"


def test_every_feasible_budget_is_accepted_and_none_beyond(service: TestClient) -> None:
    space = {"base": "eff-spinenet-m0", "searched_blocks": [5, 7, 9], "max_block_width": 64}
    found = service.post("/v1/campaigns", params=DRY_RUN, json={**FIRST, "search_space": space}).json()
    feasible = found["feasible_madds"]
    assert feasible["least"] <= feasible["of_base"] <= feasible["most"]
    base = CampaignSpec.model_validate({**FIRST, "search_space": {"base": "eff-spinenet-m0"}}).search_space.build()
    assert feasible["of_base"] == base.budget_madds
    for budget, status in (
        (feasible["least"] - 1, 422),
        (feasible["least"], 200),
        (feasible["most"], 200),
        (feasible["most"] + 1, 422),
    ):
        document = {**FIRST, "search_space": {**space, "budget_madds": budget}}
        tried = service.post("/v1/campaigns", params=DRY_RUN, json=document)
        assert tried.status_code == status, tried.text
        if status == 200:
            assert tried.json()["feasible_madds"] == feasible


def warnings(service: TestClient, **changes: Any) -> str:
    """All warnings about FIRST with these changes."""
    tried = service.post("/v1/campaigns", params=DRY_RUN, json={**FIRST, **changes})
    assert tried.status_code == 200, tried.text
    return "\n".join(tried.json()["warnings"])


def test_warnings_name_what_may_not_be_intended(service: TestClient, store: Store, settings: Settings) -> None:
    assert "No supervisor is running" in warnings(service)
    store.runner.record_heartbeat("s_1", "here", 1, "0.1.0")
    assert warnings(service) == ""
    taken = Recorder(store, name="first look").id
    assert warnings(service) == f"The name 'first look' is taken: campaign {taken} has it."
    assert warnings(service, name="second") == ""
    evolution = {"algorithm": "evolution", "population": 11}
    assert "a population of 11, and there are 11 trials" in warnings(service, name="e", controller=evolution)
    assert warnings(service, name="e", controller={**evolution, "population": 10}) == ""
    local = {"algorithm": "local-search"}
    assert "after 20 random trials" in warnings(service, name="l", controller=local)
    assert "tpe begins after 20 random trials" in warnings(service, name="t", controller={"algorithm": "tpe"})
    assert "11 candidates, the trials besides the baseline, not 12" in warnings(service, name="f", finals={"top": 12})
    digits = settings.data_dir / "datasets" / "digits"
    digits.mkdir(parents=True)
    assert "'digits' has not been checked" in warnings(service, name="d", dataset="digits")
    write_report(settings.data_dir, "digits", {"path": str(digits), "warnings": [{}, {}]})
    assert "'digits' has 2 kinds of warnings" in warnings(service, name="d", dataset="digits")


def test_the_client_runs_dry(service: TestClient, store: Store) -> None:
    with Client(str(service.base_url), transport=service._transport) as client:
        found = client.dry_run_campaign(FIRST)
    assert found.spec["trials"] == 12
    assert found.estimate.wall_seconds == 6.0
    assert store.reads.list_campaigns().items == ()
