"""The list of campaigns over HTTP: filters, orders, counts, and what it shows of each; annotations and deletion."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from api.documents import CampaignPage
from nas_controller.store import Store
from tests.support.api_access import bearer, create_key
from tests.support.recorder import Recorder

LIST = "/v1/campaigns"


def names(service: TestClient, query: str) -> list[str]:
    return [item["name"] for item in service.get(f"{LIST}?{query}").json()["items"]]


def test_the_list_is_filtered_ordered_and_counted(service: TestClient, store: Store) -> None:
    Recorder(store, trials=4, name="b").run(2)
    Recorder(store, trials=2, name="a").run(2)
    Recorder(store, name="c 100%")
    assert names(service, "state=running&state=completed") == ["a", "b"]
    assert names(service, "sort=name") == ["a", "b", "c 100%"]
    assert names(service, "sort=-progress&limit=1") == ["a"]
    assert names(service, "q=0%25") == ["c 100%"]
    page = CampaignPage.model_validate(
        service.get(f"{LIST}?sort=name&limit=1&offset=1&state=running&state=pending").json()
    )
    assert [item.name for item in page.items] == ["c 100%"]
    assert (page.total, page.by_state["completed"], page.by_state["running"]) == (2, 1, 1)


def test_what_the_list_shows_of_each_is_asked_for(service: TestClient, store: Store) -> None:
    recorder = Recorder(store, trials=60).run(55)
    (plain,) = service.get(LIST).json()["items"]
    (whole,) = service.get(f"{LIST}?include=search&include=spark").json()["items"]
    record, summary = recorder.record, whole["summary"]
    assert (plain["summary"]["search"], plain["summary"]["best_so_far"]) == (None, None)
    assert summary["last_event_kind"] == "trial.completed"
    assert record.best_reward is not None
    assert record.baseline_reward is not None
    assert summary["gain"]["value"] == pytest.approx(record.best_reward - record.baseline_reward)
    assert (summary["gain"]["trial"], summary["gain"]["is_confirmed"]) == (record.best_trial, False)
    health = service.get(f"{LIST}/{recorder.id}/figures/search").json()
    assert summary["search"] == {name: health[name] for name in summary["search"]}
    best = summary["best_so_far"]
    assert len(best) == 40
    assert best == sorted(best)
    assert best[-1] == pytest.approx(record.best_reward, abs=1e-4)
    assert best[0] == pytest.approx(record.baseline_reward, abs=1e-4)


def test_the_list_changes_with_a_reward_an_annotation_and_a_deletion(service: TestClient, store: Store) -> None:
    recorder = Recorder(store, trials=3).run(1)
    tags = [service.get(f"{LIST}?include=spark").headers["etag"]]
    assert service.get(f"{LIST}?include=spark", headers={"If-None-Match": tags[0]}).status_code == 304
    recorder.run(3)
    shown = service.get(f"{LIST}?include=spark")
    assert len(shown.json()["items"][0]["summary"]["best_so_far"]) == 3
    tags.append(shown.headers["etag"])
    service.patch(f"{LIST}/{recorder.id}", json={"tags": ["x"]})
    tags.append(service.get(LIST).headers["etag"])
    assert service.delete(f"{LIST}/{recorder.id}").status_code == 204
    last = service.get(LIST)
    assert len({*tags, last.headers["etag"]}) == 4
    assert (last.json()["items"], last.json()["total"]) == ([], 0)


def test_annotations_change_in_any_state_and_archived_campaigns_leave_the_list(
    service: TestClient, store: Store
) -> None:
    recorder = Recorder(store, trials=2).run(2)
    key = create_key(store, "operate")
    patch = {"notes": "night only", "tags": ["Cars", "cars"], "archived": True}
    changed = service.patch(f"{LIST}/{recorder.id}", json=patch, headers=bearer(key)).json()
    assert (changed["notes"], changed["tags"], changed["archived"]) == ("night only", ["cars"], True)
    assert changed["state"] == "completed"
    (event,) = store.reads.events_after(recorder.id, changed["last_event"] - 1)
    assert event.data["by"] == "test operate"
    service.headers.update(bearer(key))
    assert names(service, "") == []
    assert names(service, "archived=true&tag=CARS") == names(service, "archived=any") == ["first look"]


@pytest.mark.parametrize(
    ("patch", "field"),
    [({"tags": ["a b"]}, "tags.0"), ({"notes": 5}, "notes"), ({"archived": "no"}, "archived"), ({"tag": "x"}, "tag")],
)
def test_an_invalid_annotation_is_named(
    service: TestClient, store: Store, patch: dict[str, object], field: str
) -> None:
    refused = service.patch(f"{LIST}/{Recorder(store).id}", json=patch)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == field


@pytest.mark.parametrize("query", ["sort=luck", "archived=both", "offset=-1", "include=all", "state=asleep", "q=%00"])
def test_an_invalid_query_names_the_parameter(service: TestClient, query: str) -> None:
    refused = service.get(f"{LIST}?{query}")
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == [query.partition("=")[0]]


def test_only_an_operator_deletes_and_only_what_has_ended(service: TestClient, store: Store) -> None:
    running, done = Recorder(store).run(1).id, Recorder(store, trials=2).run(2).id
    refused = service.delete(f"{LIST}/{running}")
    assert refused.status_code == 409
    assert "is running and cannot be deleted" in refused.json()["detail"]
    assert service.delete(f"{LIST}/{done}", headers=bearer(create_key(store, "view"))).status_code == 403
    operator = bearer(create_key(store, "operate"))
    assert service.delete(f"{LIST}/{done}", headers=operator).status_code == 204
    assert service.delete(f"{LIST}/{done}", headers=operator).status_code == 404
    assert service.get(f"{LIST}/{done}", headers=operator).status_code == 404


def test_the_stream_of_a_campaign_ends_though_it_was_annotated_later(service: TestClient, store: Store) -> None:
    recorder = Recorder(store, trials=2).run(2)
    last = recorder.record.last_event
    service.patch(f"{LIST}/{recorder.id}", json={"notes": "done"})
    for after in (0, last):
        stream = service.get(f"{LIST}/{recorder.id}/events?after={after}").text
        assert '"kind":"campaign.annotated"' in stream
        assert stream.endswith("event: end\ndata: {}\n\n")
