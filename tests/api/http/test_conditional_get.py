"""Conditional GET: 304 while nothing changes, a new body after each change."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event

from nas_controller.store import Store
from tests.support.api_access import bearer, create_key, log_in
from tests.support.recorder import Recorder

OF_EVENTS = (
    "/v1/campaigns?limit=5",
    "/v1/campaigns/{id}",
    "/v1/campaigns/{id}/policy",
    "/v1/campaigns/{id}/figures/progress",
    "/v1/campaigns/{id}/figures/progress.svg",
)
OF_PROGRESS = (
    "/v1/campaigns/{id}/trials?order_by=-reward",
    "/v1/campaigns/{id}/trials/0",
    "/v1/campaigns/{id}/best",
    "/v1/campaigns/{id}/figures/curves",
)
POLLED = OF_EVENTS + OF_PROGRESS


def etag_of(service: TestClient, path: str) -> str:
    response = service.get(path)
    assert response.status_code == 200
    assert response.headers["cache-control"] == "private, no-cache"
    assert {"Authorization", "Cookie"} <= {name.strip() for name in response.headers["vary"].split(",")}
    return response.headers["etag"]


def status(service: TestClient, path: str, tag: str) -> int:
    response = service.get(path, headers={"If-None-Match": tag})
    if response.status_code == 304:
        assert response.content == b""
        assert response.headers["etag"] == etag_of(service, path)
    return response.status_code


@pytest.mark.parametrize("template", POLLED)
def test_an_unchanged_response_is_304_and_every_event_changes_it(
    service: TestClient, store: Store, template: str
) -> None:
    recorder = Recorder(store).run(2)
    path = template.format(id=recorder.id)
    tag = etag_of(service, path)
    assert status(service, path, tag) == 304
    assert status(service, path, f'"other", {tag}') == 304
    assert status(service, path, "*") == 304
    assert status(service, path, tag.removeprefix("W/")) == 304  # the comparison is weak
    assert status(service, path, '"other"') == 200
    work = recorder.begin()
    assert status(service, path, tag) == 200
    tag = etag_of(service, path)
    recorder.finish(work)
    assert status(service, path, tag) == 200
    tag = etag_of(service, path)
    store.service.request_stop(recorder.id)
    assert status(service, path, tag) == 200


@pytest.mark.parametrize("template", POLLED)
def test_progress_changes_only_responses_that_show_it(service: TestClient, store: Store, template: str) -> None:
    recorder = Recorder(store)
    recorder.run(1)
    work = recorder.begin()
    path = template.format(id=recorder.id)
    tag, events = etag_of(service, path), recorder.record.last_event
    recorder.campaign.progress(work, 5, 20, {"loss": 0.5})
    assert recorder.record.last_event == events
    assert status(service, path, tag) == (304 if template in OF_EVENTS else 200)


@pytest.mark.parametrize("template", POLLED)
def test_the_begin_of_a_worker_changes_only_responses_that_show_trials(
    service: TestClient, store: Store, template: str
) -> None:
    recorder = Recorder(store).run(1)
    work = recorder.campaign.next_trial()
    assert work is not None
    path = template.format(id=recorder.id)
    tag, events = etag_of(service, path), recorder.record.last_event
    recorder.campaign.begun(work, 0.0)
    assert recorder.record.last_event == events
    assert status(service, path, tag) == (304 if template in OF_EVENTS else 200)


def test_the_begin_of_a_final_changes_the_finals(service: TestClient, store: Store) -> None:
    recorder = Recorder(store, finals={"top": 1, "seeds": 1}).run(6)
    lease, path = recorder.campaign._lease, f"/v1/campaigns/{recorder.id}/finals"
    finals = recorder.record.finals
    assert finals is not None
    store.runner.begin_final(lease, 0, finals.seeds[0])
    tag = etag_of(service, path)
    store.runner.record_final_begin(lease, 0, finals.seeds[0], 0.0)
    assert status(service, path, tag) == 200


@pytest.mark.parametrize("template", OF_EVENTS[:2])
def test_a_report_of_the_shared_training_changes_what_shows_it(
    service: TestClient, store: Store, template: str
) -> None:
    recorder = Recorder(store)
    lease, path = recorder.campaign._lease, template.format(id=recorder.id)
    store.runner.start_shared_training(lease, 20, 1.0)
    tag = etag_of(service, path)
    store.runner.record_shared_begin(lease, 0.0)
    assert status(service, path, tag) == 200
    for step in (1, 2):
        tag = etag_of(service, path)
        assert status(service, path, tag) == 304
        store.runner.record_shared_progress(lease, step, 0.5)
        assert status(service, path, tag) == 200
    response = service.get(f"/v1/campaigns/{recorder.id}").json()["shared_training"]
    assert (response["state"], response["step"], response["steps"]) == ("running", 2, 20)


def test_a_new_campaign_changes_the_list(service: TestClient, store: Store) -> None:
    path = "/v1/campaigns?state=running"
    tags = [etag_of(service, path)]
    for _ in range(3):
        Recorder(store)
        assert status(service, path, tags[-1]) == 200
        tags.append(etag_of(service, path))
    assert len(set(tags)) == 4


def test_a_304_costs_one_small_query(service: TestClient, store: Store) -> None:
    recorder = Recorder(store, trials=6).run(6)
    path = f"/v1/campaigns/{recorder.id}/trials"
    tag = etag_of(service, path)
    service.get(path, headers={"If-None-Match": tag})
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(store._database.engine, "before_cursor_execute", note)
    assert service.get(path, headers={"If-None-Match": tag}).status_code == 304
    queries = [statement for statement in statements if statement.startswith("SELECT")]
    assert not any("FROM trials" in statement for statement in queries)
    assert sum("FROM campaigns" in statement for statement in queries) == 1


def test_unauthorised_requests_get_no_304(service: TestClient, store: Store) -> None:
    recorder = Recorder(store)
    path = f"/v1/campaigns/{recorder.id}"
    tag = etag_of(service, path)
    key = create_key(store, "view")
    for headers in ({}, bearer("effspine_wrong")):
        refused = service.get(path, headers={"If-None-Match": tag, **headers})
        assert refused.status_code == 401
        assert "etag" not in refused.headers
    assert service.get(path, headers={"If-None-Match": tag, **bearer(key)}).status_code == 304


@pytest.mark.parametrize("path", ["/v1/campaigns/c_none", "/v1/campaigns/c_none/trials"])
def test_missing_resources_are_404_not_304(service: TestClient, path: str) -> None:
    response = service.get(path, headers={"If-None-Match": "*"})
    assert response.status_code == 404
    assert response.headers["cache-control"] == "no-store"


def test_logging_out_clears_the_browser_cache(service: TestClient, store: Store) -> None:
    log_in(service, create_key(store, "view"))
    response = service.post("/logout", headers={"Origin": "http://testserver"}, follow_redirects=False)
    assert response.headers["clear-site-data"] == '"cache"'
