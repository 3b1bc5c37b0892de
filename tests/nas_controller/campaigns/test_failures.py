"""Every failure from its cause to the database: its kind, the campaign's reaction, and the worker's log tail."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from nas_controller.campaigns.campaign import Campaign
from nas_controller.campaigns.replay import verify
from nas_controller.execution import worker
from nas_controller.execution.worker import Job, run_trial
from nas_controller.search.outcomes import Failed, Rewarded, TrialWork
from nas_controller.store import Store, TrialDetail
from proxy_trainer.data.digits import make_digits
from search_space.proxy_task import ProxyTask, resolve
from tests.support.processes import THREADS
from tests.support.synthetic_campaigns import synthetic_spec

DIVERGING = {"learning_rate": 10.0, "warmup_steps": 0, "momentum": 0.999}
"""The loss diverges within a few steps."""

ATTEMPTS = 1 + synthetic_spec().retries


def attempt_once(
    store: Store, task: ProxyTask, dataset: Path, cache: Path, number: int = 0
) -> tuple[Campaign, TrialDetail]:
    """Runs one attempt at a trial of a campaign with the real trainer, in this process."""
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    campaign = Campaign(store, store.runner.claim(campaign_id, "runner", 1e6))
    for _ in range(number):
        campaign.complete(next_work(campaign), Rewarded(0.5, {"ap": 0.5}))
    work = next_work(campaign)
    assert work.number == number
    job = Job(task, campaign.base, dataset, cache, 1, THREADS)
    campaign.complete(work, run_trial(job, work.widths, lambda progress: None))
    return campaign, store.reads.get_trial(campaign_id, number)


def next_work(campaign: Campaign) -> TrialWork:
    work = campaign.next_trial()
    assert work is not None
    return work


@pytest.fixture(autouse=True)
def _no_shared_trainer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hides trainers of other tests, and this test's from them."""
    monkeypatch.setattr(worker, "_warm", {})
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "2")


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    directory = tmp_path / "digits"
    make_digits(directory, train=16, val=4)
    return directory


def test_a_loss_that_is_not_finite_fails_the_trial(store: Store, digits: Path, tmp_path: Path) -> None:
    campaign, detail = attempt_once(store, resolve("smoke", **DIVERGING), digits, tmp_path / "cache", number=1)
    trial, attempt = detail.trial, detail.attempts[0]
    assert (trial.state, trial.reward, trial.error_kind) == ("failed", 0.0, "non-finite-loss")
    assert (attempt.state, attempt.error_kind, attempt.error) == ("failed", "non-finite-loss", trial.error)
    assert re.fullmatch(
        r"the loss is not finite at step \d+ \(learning rate [\d.]+; last finite loss [\d.e+]+\)", trial.error or ""
    )
    failures = [e for e in store.reads.events_after(campaign.record.id) if e.kind.endswith(".failed")]
    assert [(e.kind, e.data["kind"]) for e in failures] == [
        ("attempt.failed", "non-finite-loss"), ("trial.failed", "non-finite-loss"),
    ]  # fmt: skip
    assert not campaign.over
    verify(store, campaign.record.id)


def test_a_baseline_whose_loss_is_not_finite_fails_the_campaign_at_once(store: Store) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    campaign = Campaign(store, store.runner.claim(campaign_id, "runner", 1e6))
    campaign.complete(next_work(campaign), Failed("give_up", "the loss is not finite at step 3", "non-finite-loss"))
    record = store.reads.get_campaign(campaign_id)
    assert (record.state, record.error_kind, record.trials_finished) == ("failed", "non-finite-loss", 0)
    assert record.error == "the uniform baseline cannot be trained: the loss is not finite at step 3"
    trial = store.reads.get_trial_record(campaign_id, 0)
    assert (trial.state, trial.reward, trial.error_kind) == ("stopped", None, "non-finite-loss")
    assert campaign.next_trial() is None
    verify(store, record.id)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_edited_annotations_fail_the_campaign_until_a_copy_of_the_data_is_back(
    store: Store, digits: Path, tmp_path: Path
) -> None:
    task, cache = resolve("smoke", steps=2, warmup_steps=0), tmp_path / "cache"
    campaign, _ = attempt_once(store, task, digits, cache)
    campaign_id = campaign.record.id
    record = store.reads.get_campaign(campaign_id)
    assert record.data is not None
    assert (record.data["train"]["images"], record.data["reserved"]["images"]) == (16, 4)

    copy = tmp_path / "copied"
    shutil.copytree(digits, copy, copy_function=shutil.copyfile)  # with other dates
    (annotations,) = digits.glob("annotations/instances_val*.json")
    document = json.loads(annotations.read_text())
    document["annotations"][0]["bbox"][2] -= 1
    annotations.write_text(json.dumps(document))
    for dataset, state in ((digits, "failed"), (copy, "running")):
        worker._warm.clear()  # as in a new process
        work = next_work(campaign)
        job = Job(task, campaign.base, dataset, cache, 1, THREADS).of(work)
        campaign.complete(work, run_trial(job, work.widths, lambda progress: None))
        record = store.reads.get_campaign(campaign_id)
        assert record.state == state
        if state == "failed":
            assert record.error_kind == "data-changed"
            assert "trial 1 has read other reserved annotations. Restore" in (record.error or "")
            store.service.request_retry(campaign_id)
            campaign = Campaign(store, store.runner.claim(campaign_id, "runner", 1e6))
    assert [attempt.state for attempt in store.reads.get_trial(campaign_id, 1).attempts] == ["failed", "accepted"]
    verify(store, campaign_id)


def test_a_truncated_image_stops_the_campaign_with_its_path(store: Store, digits: Path, tmp_path: Path) -> None:
    image = min((digits / "train").glob("*.jpg"))
    image.write_bytes(image.read_bytes()[:500])
    campaign, detail = attempt_once(store, resolve("smoke"), digits, tmp_path / "cache")
    record = store.reads.get_campaign(campaign.record.id)
    assert record.state == "failed"
    assert str(image) in (record.error or "")
    assert (detail.trial.state, detail.trial.error_kind) == ("stopped", "unreadable-image")
    assert [(a.state, a.error_kind) for a in detail.attempts] == [("failed", "unreadable-image")]
    verify(store, record.id)


def test_a_reserved_set_without_boxes_stops_the_campaign(store: Store, digits: Path, tmp_path: Path) -> None:
    (annotations,) = digits.glob("annotations/instances_val*.json")
    document = json.loads(annotations.read_text())
    annotations.write_text(json.dumps(document | {"annotations": []}))
    campaign, detail = attempt_once(store, resolve("smoke"), digits, tmp_path / "cache")
    record = store.reads.get_campaign(campaign.record.id)
    assert record.state == "failed"
    assert "have no box to score against" in (record.error or "")
    assert detail.attempts[0].error_kind == detail.trial.error_kind == "empty-reserved-set"


def fail_every_attempt(store: Store, kind: str, number: int) -> str:
    """Runs a campaign of 3 trials in which every attempt at one of them fails with this kind; its id."""
    campaign_id = store.service.create_campaign(synthetic_spec(trials=3)).id
    campaign = Campaign(store, store.runner.claim(campaign_id, "runner", 1e6))
    while not campaign.over:
        work = campaign.next_trial()
        assert work is not None
        failed = Failed("retry", f"error of attempt {work.attempt}", kind, f"log of attempt {work.attempt}")
        campaign.complete(work, failed if work.number == number else Rewarded(0.5, {}))
    return campaign_id


@pytest.mark.parametrize("kind", ["out-of-memory", "worker-killed", "worker-silent", "timed-out"])
def test_the_campaign_fails_if_the_machine_is_too_small_for_the_baseline(store: Store, kind: str) -> None:
    campaign_id = fail_every_attempt(store, kind, number=0)
    record, detail = store.reads.get_campaign(campaign_id), store.reads.get_trial(campaign_id, 0)
    assert record.state == "failed"
    assert record.error == "the uniform baseline cannot be trained on this machine: error of attempt 3"
    assert record.error_kind == kind
    assert (detail.trial.state, detail.trial.error_kind) == ("stopped", kind)
    assert [a.log_tail for a in detail.attempts] == [f"log of attempt {n}" for n in range(1, ATTEMPTS + 1)]
    verify(store, campaign_id)


def test_the_campaign_fails_where_every_attempt_at_the_baseline_ends_unexpectedly(store: Store) -> None:
    campaign_id = fail_every_attempt(store, "unexpected", number=0)
    record = store.reads.get_campaign(campaign_id)
    assert (record.state, record.error_kind) == ("failed", "unexpected")
    assert record.error == "the uniform baseline cannot be trained: error of attempt 3"
    assert store.reads.get_trial(campaign_id, 0).trial.state == "stopped"
    verify(store, campaign_id)


def test_a_baseline_whose_reward_is_no_ap_fails_the_campaign(store: Store) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    campaign = Campaign(store, store.runner.claim(campaign_id, "runner", 1e6))
    campaign.complete(next_work(campaign), Rewarded(float("nan"), {}))
    record = store.reads.get_campaign(campaign_id)
    assert (record.state, record.error_kind) == ("failed", "invalid-reward")
    assert record.error == "the uniform baseline cannot be trained: the reward nan is not in 0 to 1"


def test_what_the_worker_of_an_invalid_reward_reported_is_kept(store: Store) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    campaign = Campaign(store, store.runner.claim(campaign_id, "runner", 1e6))
    campaign.complete(next_work(campaign), Rewarded(0.5, {"ap": 0.5}))
    before = store.reads.get_campaign(campaign_id).device_seconds
    work = next_work(campaign)
    campaign.begun(work, 0.0)
    campaign.complete(work, Rewarded(1.5, {}, log_tail="a warning", seconds=7.0))
    (attempt,) = store.reads.get_trial(campaign_id, work.number).attempts
    assert (attempt.state, attempt.error_kind, attempt.log_tail) == ("failed", "invalid-reward", "a warning")
    assert store.reads.get_campaign(campaign_id).device_seconds == before + 7.0


@pytest.mark.parametrize("kind", ["out-of-memory", "worker-killed"])
def test_only_the_trial_fails_if_the_machine_is_too_small_for_a_sampled_architecture(store: Store, kind: str) -> None:
    campaign_id = fail_every_attempt(store, kind, number=1)
    trial = store.reads.get_trial(campaign_id, 1).trial
    assert (trial.state, trial.reward, trial.error_kind) == ("failed", 0.0, kind)
    assert store.reads.get_campaign(campaign_id).state == "completed"
    verify(store, campaign_id)


def test_failures_of_an_earlier_runner_count_and_a_failure_reported_again_does_not(store: Store) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec(retries=1)).id
    first_runner = Campaign(store, store.runner.claim(campaign_id, "runner", 1e6))
    first_runner.complete(next_work(first_runner), Rewarded(0.5, {"ap": 0.5}))
    work, failure = next_work(first_runner), Failed("retry", "an error of the attempt")
    first_runner.complete(work, failure)
    first_runner.complete(work, failure)
    assert not first_runner.is_finished(1)

    second_runner = Campaign(store, store.runner.claim(campaign_id, "runner", 1e6))
    work = next_work(second_runner)
    assert (work.number, work.attempt) == (1, 2)
    second_runner.complete(work, failure)
    assert store.reads.get_trial(campaign_id, 1).trial.state == "failed"


def test_a_trial_shows_its_latest_failure_until_it_has_an_outcome(store: Store) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    campaign = Campaign(store, store.runner.claim(campaign_id, "runner", 1e6))
    first = campaign.next_trial()
    assert first is not None
    campaign.complete(first, Failed("retry", "the worker died", "worker-killed", "the end of its log"))
    trial = store.reads.get_trial(campaign_id, 0).trial
    assert (trial.state, trial.error, trial.error_kind) == ("running", "the worker died", "worker-killed")
    second = campaign.next_trial()
    assert second is not None
    campaign.complete(second, Rewarded(0.5, {}))
    detail = store.reads.get_trial(campaign_id, 0)
    assert (detail.trial.state, detail.trial.error, detail.trial.error_kind) == ("completed", None, None)
    assert [(a.state, a.error_kind, a.log_tail) for a in detail.attempts] == [
        ("failed", "worker-killed", "the end of its log"), ("accepted", None, None),
    ]  # fmt: skip
