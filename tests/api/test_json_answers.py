"""Answers that are written as plain JSON are what their models, and so the described interface, say."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from pydantic import BaseModel

from api.documents import BestDocument, Page, TrialDetailDocument, TrialDocument
from nas_controller.store import Store
from tests.api.campaigns import Recorder


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("trials", Page[TrialDocument]),
        ("trials?limit=2", Page[TrialDocument]),
        ("trials/0", TrialDetailDocument),
        ("trials/1", TrialDetailDocument),
        ("best?k=3", BestDocument),
    ],
)
def test_the_answer_is_exactly_its_model(service: TestClient, store: Store, path: str, model: type[BaseModel]) -> None:
    recorder = Recorder(store).run(1)
    recorder.fail(recorder.begin(), "the loss is not finite")
    recorder.run(4)
    recorder.campaign.progress(recorder.begin(), 5, 20, {"loss": 0.5}, 0.125)
    answer = service.get(f"/v1/campaigns/{recorder.id}/{path}")
    assert answer.headers["content-type"] == "application/json"
    assert model.model_validate(answer.json()).model_dump(mode="json") == answer.json()


def test_a_campaign_without_trials_has_no_best(service: TestClient, store: Store) -> None:
    assert service.get(f"/v1/campaigns/{Recorder(store).id}/best").json() == {"items": [], "baseline": None}


def test_a_figure_takes_points_and_follows_its_campaign(service: TestClient, store: Store) -> None:
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
