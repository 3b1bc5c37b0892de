"""The latency of trials over HTTP: in the campaign's document, its trials, their order, and the figure."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from nas_controller.search.outcomes import Latency
from nas_controller.store import Store
from tests.support.recorder import Recorder

RATIOS = (1.0, 1.25, 0.75)


@pytest.fixture
def recorder(store: Store) -> Recorder:
    """A campaign with three measured trials, one that is given up, and one in training."""
    recorder = Recorder(store, objective={"minimise": "latency"})
    for ratio in RATIOS:
        recorder.finish(recorder.begin(), latency=Latency(80.0 * ratio, ratio))
    recorder.fail(recorder.begin(), "the loss is not finite")
    recorder.begin()
    return recorder


def test_a_campaign_that_minimises_it_says_how_it_is_measured(service: TestClient) -> None:
    body = {"name": "fast", "proxy_task": {"profile": "synthetic"}, "objective": {"minimise": "latency"}}
    spec = service.post("/v1/campaigns", json=body).json()["spec"]
    assert spec["objective"] == {"maximise": "ap", "minimise": "latency", "weight": 0.07}
    assert spec["latency"] == {"format": "onnx", "threads": 1, "runs": 20}
    response = service.post("/v1/campaigns", json={**body, "latency": {"format": "litert"}})
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "latency.format"


def test_trials_have_it_and_are_ordered_by_it(service: TestClient, recorder: Recorder) -> None:
    path = f"/v1/campaigns/{recorder.id}/trials"
    trial = service.get(f"{path}/1").json()
    assert (trial["latency_ms"], trial["latency_ratio"]) == (100.0, 1.25)
    for order, numbers in (("latency_ratio", [2, 0, 1, 3, 4]), ("-latency_ratio", [1, 0, 2, 3, 4])):
        items = service.get(path, params={"order_by": order}).json()["items"]
        assert [item["number"] for item in items] == numbers
    assert [item["latency_ratio"] for item in items] == [1.25, 1.0, 0.75, None, None]


def test_the_figure_has_the_front(service: TestClient, recorder: Recorder) -> None:
    figure = service.get(f"/v1/campaigns/{recorder.id}/figures/latency-ap").json()
    rewards = [trial["reward"] for trial in service.get(f"/v1/campaigns/{recorder.id}/trials").json()["items"]]
    assert (figure["unit"], figure["cost"], figure["reward"]) == ("latency_ratio", list(RATIOS), rewards[:3])
    assert rewards[0] > max(rewards[1:3])
    assert figure["front"] == [2, 0]
    assert (figure["baseline_cost"], figure["baseline_reward"]) == (1.0, rewards[0])
