"""Trials, the best of them and the policy over HTTP."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from nas_controller.store import Store
from tests.support.recorder import Recorder


@pytest.fixture
def recorder(store: Store) -> Recorder:
    """A campaign of 8 trials: 6 finished, of which one failed, and one running."""
    recorder = Recorder(store, trials=8).run(3)
    recorder.fail(recorder.begin(), "the loss is not finite at step 12", "non-finite-loss", "<b>end of its log</b>")
    recorder.run(6)
    running = recorder.begin()
    recorder.campaign.progress(running, 5, 20, {"loss": 0.5}, 0.125)
    recorder.campaign.progress(running, 7, 20, {"loss": 0.25})
    return recorder


def test_trial_0_is_the_uniform_baseline(service: TestClient, recorder: Recorder) -> None:
    trial = service.get(f"/v1/campaigns/{recorder.id}/trials/0").json()
    assert trial["widths"] == list(recorder.spec.search_space.build().base.widths)
    assert trial["madds_ratio"] == 1.0
    assert trial["state"] == "completed"


def test_trial_documents_have_all_fields(service: TestClient, recorder: Recorder) -> None:
    trial = service.get(f"/v1/campaigns/{recorder.id}/trials/1").json()
    assert trial.keys() >= {
        "number", "state", "reward", "betas", "widths", "madds", "params", "madds_ratio", "attempts", "metrics",
        "started_at", "finished_at",
    }  # fmt: skip
    assert len(trial["betas"]) == len(trial["widths"]) == 18
    assert trial["started_at"].endswith("Z")
    assert trial["metrics"]["ap"] == trial["reward"]


def test_trials_are_listed_in_order_across_pages(service: TestClient, recorder: Recorder) -> None:
    path = f"/v1/campaigns/{recorder.id}/trials"
    rewards, cursor = [], None
    while True:
        page = service.get(path, params={"order_by": "-reward", "limit": 2} | ({"cursor": cursor} if cursor else {}))
        rewards += [item["reward"] for item in page.json()["items"]]
        cursor = page.json()["next_cursor"]
        if cursor is None:
            break
    known = [reward for reward in rewards if reward is not None]
    assert known == sorted(known, reverse=True)
    assert rewards[len(known) :] == [None]
    assert len(rewards) == 7


def test_running_trials_show_their_progress(service: TestClient, recorder: Recorder) -> None:
    items = service.get(f"/v1/campaigns/{recorder.id}/trials", params={"state": "running"}).json()["items"]
    fields = ("progress_step", "progress_total", "progress_ap", "stopped_early_step")
    assert [[item[name] for name in fields] for item in items] == [[7, 20, 0.125, None]]
    baseline = service.get(f"/v1/campaigns/{recorder.id}/trials/0").json()
    assert [baseline[name] for name in fields] == [None] * 4
    detail = service.get(f"/v1/campaigns/{recorder.id}/trials/{items[0]['number']}").json()
    assert [point["values"] for point in detail["curve"]] == [{"loss": 0.5, "ap": 0.125}, {"loss": 0.25}]


def test_a_failed_trial_shows_its_error(service: TestClient, recorder: Recorder) -> None:
    detail = service.get(f"/v1/campaigns/{recorder.id}/trials/3").json()
    assert detail["state"] == "failed"
    assert detail["reward"] == 0.0
    assert "not finite" in detail["error"]
    assert detail["error_kind"] == "non-finite-loss"
    (attempt,) = detail["attempts_made"]
    assert (attempt["state"], attempt["error_kind"]) == ("failed", "non-finite-loss")
    assert attempt["log_tail"] == "<b>end of its log</b>"


def test_the_list_of_trials_has_error_names_but_no_logs(service: TestClient, recorder: Recorder) -> None:
    items = service.get(f"/v1/campaigns/{recorder.id}/trials").json()["items"]
    assert [item["error_kind"] for item in items] == [None, None, None, "non-finite-loss", None, None, None]
    assert "end of its log" not in str(items)
    baseline = service.get(f"/v1/campaigns/{recorder.id}/trials/0").json()
    assert baseline["attempts_made"][0]["log_tail"] is None


def test_the_best_trials_come_with_the_baseline(service: TestClient, recorder: Recorder) -> None:
    best = service.get(f"/v1/campaigns/{recorder.id}/best", params={"k": 3}).json()
    rewards = [item["reward"] for item in best["items"]]
    assert len(rewards) == 3
    assert rewards == sorted(rewards, reverse=True)
    assert best["baseline"]["number"] == 0
    campaign = service.get(f"/v1/campaigns/{recorder.id}").json()
    assert campaign["best_trial"] == best["items"][0]["number"]


def test_the_policy_is_a_distribution_for_every_block(service: TestClient, recorder: Recorder) -> None:
    policy = service.get(f"/v1/campaigns/{recorder.id}/policy").json()
    assert policy["choices"] == [1, 5, 10, 15, 20]
    assert policy["blocks"] == list(range(1, 19))
    assert all(sum(row) == pytest.approx(1.0) for row in policy["probabilities"])


def test_the_policy_can_be_read_before_any_reward(service: TestClient, store: Store) -> None:
    assert service.get(f"/v1/campaigns/{Recorder(store).id}/policy").status_code == 200


def test_a_page_of_trials_begins_after_those_that_are_skipped(service: TestClient, recorder: Recorder) -> None:
    path = f"/v1/campaigns/{recorder.id}/trials"
    for order in ("number", "-number", "reward", "-reward"):
        numbers = [item["number"] for item in service.get(path, params={"order_by": order}).json()["items"]]
        for skip in range(9):
            page = service.get(path, params={"order_by": order, "limit": 2, "skip": skip}).json()
            assert [item["number"] for item in page["items"]] == numbers[skip : skip + 2]
            assert (page["next_cursor"] is None) == (skip + 2 >= len(numbers))
    after = service.get(path, params={"limit": 1, "skip": 2}).json()["next_cursor"]
    page = service.get(path, params={"limit": 1, "cursor": after, "skip": 1}).json()
    assert [item["number"] for item in page["items"]] == [4]
    assert service.get(path, params={"skip": -1}).status_code == 422


def test_the_counts_tell_trials_that_wait_for_a_worker_from_those_in_training(
    service: TestClient, recorder: Recorder
) -> None:
    path = f"/v1/campaigns/{recorder.id}/trials/counts"
    counts = {"running": 1, "queued": 0, "completed": 5, "failed": 1, "stopped": 0}
    assert service.get(path).json() == counts
    assert recorder.campaign.next_trial() is not None  # handed out, but no worker has begun it
    response = service.get(path)
    assert response.json() == {**counts, "queued": 1}
    assert service.get(path, headers={"If-None-Match": response.headers["etag"]}).status_code == 304
    assert service.get("/v1/campaigns/c_0000000000000000/trials/counts").status_code == 404
