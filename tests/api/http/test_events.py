"""Server-sent events: complete, resumable, and ended after the last event."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.http import event_stream
from nas_controller.search.outcomes import Failed
from nas_controller.store import Store
from tests.support.recorder import Recorder


def parse(text: str) -> list[dict[str, str]]:
    """The events of a stream as dictionaries of their fields."""
    events = []
    for block in text.strip().split("\n\n"):
        lines = [line.partition(": ") for line in block.split("\n") if not line.startswith(":")]
        events.append({name: value for name, _, value in lines})
    return events


def read(service: TestClient, recorder: Recorder, **request: Any) -> list[dict[str, str]]:
    """The whole stream of a finished campaign."""
    response = service.get(f"/v1/campaigns/{recorder.id}/events", **request)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    return parse(response.text)


@pytest.fixture
def recorder(store: Store) -> Recorder:
    """A completed campaign."""
    return Recorder(store, trials=3).run(3)


def test_the_stream_of_a_finished_campaign_has_every_event_and_ends(service: TestClient, recorder: Recorder) -> None:
    *events, end = read(service, recorder)
    assert end["event"] == "end"
    assert [int(event["id"]) for event in events] == list(range(1, recorder.record.last_event + 1))
    documents = [json.loads(event["data"]) for event in events]
    assert documents[0]["kind"] == "campaign.created"
    assert documents[-1]["kind"] == "campaign.completed"
    assert sum(document["kind"] == "trial.completed" for document in documents) == 3


def test_the_stream_resumes_after_the_last_event_id(service: TestClient, recorder: Recorder) -> None:
    whole = read(service, recorder)
    for last in (1, 4, recorder.record.last_event - 1):
        assert read(service, recorder, headers={"Last-Event-ID": str(last)}) == whole[last:]
    assert read(service, recorder, params={"after": 4}) == whole[4:]


def test_the_last_event_id_overrides_the_query(service: TestClient, recorder: Recorder) -> None:
    events = read(service, recorder, params={"after": 1}, headers={"Last-Event-ID": "4"})
    assert events[0]["id"] == "5"


@pytest.mark.parametrize("offset", [0, 1, 10**17])
def test_only_the_end_follows_the_last_event(service: TestClient, recorder: Recorder, offset: int) -> None:
    last = recorder.record.last_event + offset
    assert [event["event"] for event in read(service, recorder, headers={"Last-Event-ID": str(last)})] == ["end"]


@pytest.mark.parametrize("last", ["x", "-1", "1.5"])
def test_a_malformed_last_event_id_is_rejected(service: TestClient, recorder: Recorder, last: str) -> None:
    response = service.get(f"/v1/campaigns/{recorder.id}/events", headers={"Last-Event-ID": last})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "Last-Event-ID"


def test_a_stream_of_a_retried_campaign_goes_on_past_its_failure(service: TestClient, store: Store) -> None:
    recorder = Recorder(store, trials=3).run(1)
    recorder.campaign.complete(recorder.begin(), Failed("stop", "the data set is damaged", "data"))
    failed = recorder.record.last_event
    assert json.loads(read(service, recorder)[-2]["data"])["kind"] == "campaign.failed"
    assert service.post(f"/v1/campaigns/{recorder.id}/retry").json()["state"] == "running"
    recorder.release()
    recorder.run(3)
    for after in (0, failed - 1, failed):
        *events, end = read(service, recorder, params={"after": after})
        assert end["event"] == "end"
        assert [int(event["id"]) for event in events] == list(range(after + 1, recorder.record.last_event + 1))
        assert json.loads(events[-1]["data"])["kind"] == "campaign.completed"


def test_a_batch_that_ends_with_a_failure_is_not_the_end_of_a_retried_campaign(
    service: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(store, trials=2).run(1)
    recorder.campaign.complete(recorder.begin(), Failed("stop", "the data set is damaged", "data"))
    monkeypatch.setattr(event_stream, "BATCH", recorder.record.last_event)
    assert len(read(service, recorder)) == recorder.record.last_event + 1
    service.post(f"/v1/campaigns/{recorder.id}/retry")
    recorder.release()
    recorder.run(2)
    assert len(read(service, recorder)) == recorder.record.last_event + 1
