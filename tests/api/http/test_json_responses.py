"""Raw JSON responses: they fit their models, and are computed once for concurrent requests."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import BaseModel

from api.documents import BestDocument, CampaignPage, Page, TrialDetailDocument, TrialDocument
from api.http.figure_documents import figure_document
from nas_controller.campaigns.figures import FIGURES
from nas_controller.store import Store
from tests.support.recorder import Recorder


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("", CampaignPage),
        ("/{id}/trials", Page[TrialDocument]),
        ("/{id}/trials?limit=2", Page[TrialDocument]),
        ("/{id}/trials/0", TrialDetailDocument),
        ("/{id}/trials/1", TrialDetailDocument),
        ("/{id}/best?k=3", BestDocument),
        *((f"/{{id}}/figures/{name}", figure_document(name)) for name in FIGURES),
        *((f"/{{id}}/figures/{name}?points=10", figure_document(name)) for name in FIGURES),
    ],
)
def test_raw_responses_equal_their_models(service: TestClient, store: Store, path: str, model: type[BaseModel]) -> None:
    recorder = Recorder(store).run(1)
    recorder.fail(recorder.begin(), "the loss is not finite")
    recorder.run(4)
    recorder.campaign.progress(recorder.begin(), 5, 20, {"loss": 0.5}, 0.125)
    response = service.get("/v1/campaigns" + path.format(id=recorder.id))
    assert response.headers["content-type"] == "application/json"
    assert model.model_validate(response.json()).model_dump(mode="json") == response.json()


def test_figures_are_downsampled_and_follow_the_campaign(service: TestClient, store: Store) -> None:
    recorder = Recorder(store, trials=40).run(30)
    path = f"/v1/campaigns/{recorder.id}/figures/progress"
    figure = service.get(path, params={"points": 10}).json()
    assert figure["of"] == 30
    assert len(figure["number"]) < 30
    assert max(figure["best"]) == recorder.record.best_reward
    recorder.run(31)
    assert service.get(path, params={"points": 10}).json()["of"] == 31
    for points in (9, 5_001):
        assert service.get(path, params={"points": points}).status_code == 422


def test_curves_of_a_trial_in_training_grow_without_an_event(service: TestClient, store: Store) -> None:
    recorder = Recorder(store)
    work = recorder.begin()
    path = f"/v1/campaigns/{recorder.id}/figures/curves"
    for step in (5, 10):
        recorder.campaign.progress(work, step, 20, {"loss": 1.0 / step})
        assert service.get(path).json()["curves"][0]["step"][-1] == step


def test_concurrent_requests_share_one_computation(
    service: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(store).run(2)
    calls: list[int] = []
    trial_documents = store.reads.trial_documents

    def read_slowly(*args: Any, **options: Any) -> Any:
        calls.append(1)
        time.sleep(0.2)
        return trial_documents(*args, **options)

    monkeypatch.setattr(store.reads, "trial_documents", read_slowly)
    path = f"/v1/campaigns/{recorder.id}/trials"
    with ThreadPoolExecutor(4) as callers:
        responses = list(callers.map(lambda _: service.get(path), range(4)))
    assert len(calls) == 1
    assert [len(response.json()["items"]) for response in responses] == [2] * 4
    recorder.run(3)
    assert len(service.get(path).json()["items"]) == 3
    assert len(service.get(path, params={"limit": 1}).json()["items"]) == 1
    assert len(calls) == 3
