"""Pausing and resuming: on both databases, in the campaign loop, and in a runner."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nas_controller.campaigns.campaign import Campaign
from nas_controller.campaigns.replay import verify
from nas_controller.execution import synthetic_reward
from nas_controller.execution.trial_checkpoints import campaign_directory
from nas_controller.search.outcomes import Failed, Rewarded, TrialWork
from nas_controller.store import ConflictError, Lease, LeaseLostError, Store
from nas_controller.supervision import runner
from nas_controller.supervision.lease_heartbeat import Heartbeat
from nas_controller.supervision.runner_protocol import EXIT_DONE, EXIT_NOT_OURS
from tests.support.databases import ON_EACH_DATABASE
from tests.support.synthetic_campaigns import Clock, synthetic_spec


def kinds(store: Store, campaign_id: str, prefix: str = "campaign.") -> list[str]:
    events = store.reads.events_after(campaign_id, 0, 1000)
    return [event.kind.removeprefix(prefix) for event in events if event.kind.startswith(prefix)]


def finish(campaign: Campaign, work: TrialWork | None) -> None:
    assert work is not None
    value = synthetic_reward.reward(work.widths, campaign.base.widths)
    campaign.complete(work, Rewarded(value, {"ap": value}))


def run_to_the_end(campaign: Campaign) -> None:
    for _ in range(200):
        if campaign.over:
            return
        work = campaign.next_trial()
        if work is not None:
            finish(campaign, work)
    raise AssertionError("the campaign does not end")


def test_a_pending_campaign_pauses_at_once(store: Store) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    paused = store.service.request_pause(campaign_id)
    assert (paused.state, paused.pause_mode) == ("paused", "drain")
    assert store.service.request_pause(campaign_id, "abort") == paused
    assert store.runner.runnable_campaigns() == ()
    with pytest.raises(ConflictError, match="paused"):
        store.runner.claim(campaign_id, "runner", 20)
    resumed = store.service.request_resume(campaign_id)
    assert (resumed.state, resumed.pause_mode, resumed.paused_at) == ("pending", None, None)
    assert [campaign.id for campaign in store.runner.runnable_campaigns()] == [campaign_id]
    assert kinds(store, campaign_id) == ["created", "paused", "resumed"]


@ON_EACH_DATABASE
def test_a_running_campaign_is_pausing_until_its_runner_has_ended(store: Store, clock: Clock) -> None:
    lease = store.runner.claim(store.service.create_campaign(synthetic_spec()).id, "runner", 1e6)
    campaign = Campaign(store, lease)
    assert campaign.next_trial() is not None
    assert store.service.request_pause(lease.campaign_id).state == "pausing"
    assert store.service.request_pause(lease.campaign_id).pause_mode == "drain"
    escalated = store.service.request_pause(lease.campaign_id, "abort")
    assert (escalated.state, escalated.pause_mode) == ("pausing", "abort")
    assert store.service.request_pause(lease.campaign_id, "drain").pause_mode == "abort"
    assert store.runner.renew(lease).pause_mode == "abort"
    assert store.runner.pause_campaign(lease).state == "paused"
    with pytest.raises(LeaseLostError):
        store.runner.renew(lease)
    detail = store.reads.get_trial(lease.campaign_id, 0)
    assert (detail.trial.state, detail.attempts[0].state) == ("running", "abandoned")
    clock.advance(100)
    resumed = store.service.request_resume(lease.campaign_id)
    assert (resumed.state, resumed.paused_seconds) == ("running", 100)
    assert kinds(store, lease.campaign_id) == ["created", "claimed", "pausing", "pausing", "paused", "resumed"]

    resumed_campaign = Campaign(store, store.runner.claim(lease.campaign_id, "another", 1e6))
    work = resumed_campaign.next_trial()
    assert work is not None
    assert (work.number, work.attempt) == (0, 2)
    finish(resumed_campaign, work)
    run_to_the_end(resumed_campaign)
    assert verify(store, lease.campaign_id).trials_finished == 8


def test_a_campaign_resumed_or_stopped_while_it_pauses_is_not_paused(store: Store) -> None:
    for request, state in ((store.service.request_resume, "running"), (store.service.request_stop, "stopping")):
        lease = store.runner.claim(store.service.create_campaign(synthetic_spec()).id, "runner", 1e6)
        store.service.request_pause(lease.campaign_id)
        assert request(lease.campaign_id).state == state
        record = store.runner.pause_campaign(lease)
        assert (record.state, record.pause_mode, record.paused_at) == (state, None, None)
        assert lease.campaign_id in [campaign.id for campaign in store.runner.runnable_campaigns()]


def test_a_runner_lost_while_it_pauses_is_followed_by_one_that_pauses(store: Store, clock: Clock) -> None:
    lost = store.runner.claim(store.service.create_campaign(synthetic_spec()).id, "lost", 20)
    store.service.request_pause(lost.campaign_id)
    clock.advance(21)
    with pytest.raises(LeaseLostError):
        store.runner.pause_campaign(lost)
    assert [campaign.id for campaign in store.runner.runnable_campaigns()] == [lost.campaign_id]
    assert store.runner.pause_campaign(store.runner.claim(lost.campaign_id, "next", 20)).state == "paused"


def test_a_paused_campaign_can_be_stopped_and_counts_its_pause(store: Store, clock: Clock) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    store.service.request_pause(campaign_id)
    clock.advance(7)
    stopped = store.service.request_stop(campaign_id)
    assert (stopped.state, stopped.paused_seconds, stopped.paused_at, stopped.pause_mode) == ("stopped", 7, None, None)


@pytest.mark.parametrize("state", ["stopping", "stopped", "completed", "failed"])
def test_a_stopping_or_finished_campaign_neither_pauses_nor_resumes(store: Store, state: str) -> None:
    lease = store.runner.claim(store.service.create_campaign(synthetic_spec()).id, "runner", 1e6)
    if state == "stopping":
        store.service.request_stop(lease.campaign_id)
    else:
        store.runner.finish_campaign(lease, state)
    with pytest.raises(ConflictError, match=f"is {state} and cannot be paused; only one that is pending, running"):
        store.service.request_pause(lease.campaign_id)
    with pytest.raises(ConflictError, match=f"is {state} and cannot be resumed; only one that is pending, running"):
        store.service.request_resume(lease.campaign_id)


def test_while_draining_no_trial_begins_and_running_ones_are_completed(store: Store) -> None:
    """A failed attempt is not retried either; the replay is exact across the pause."""
    draining = False
    lease = store.runner.claim(store.service.create_campaign(synthetic_spec(parallelism=2)).id, "runner", 1e6)
    campaign = Campaign(store, lease, lambda: draining)
    first, second = campaign.next_trial(), campaign.next_trial()
    store.service.request_pause(lease.campaign_id)
    draining = True
    assert campaign.next_trial() is None
    finish(campaign, first)
    assert second is not None
    campaign.complete(second, Failed("retry", "the worker died"))
    assert campaign.next_trial() is None
    record = store.runner.pause_campaign(lease)
    assert (record.state, record.trials_begun, record.trials_finished) == ("paused", 2, 1)
    verify(store, lease.campaign_id)

    store.service.request_resume(lease.campaign_id)
    resumed_campaign = Campaign(store, store.runner.claim(lease.campaign_id, "another", 1e6))
    retried = resumed_campaign.next_trial()
    assert retried is not None
    assert (retried.number, retried.attempt) == (1, 2)
    finish(resumed_campaign, retried)
    run_to_the_end(resumed_campaign)
    assert verify(store, lease.campaign_id).trials_finished == 8


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 100
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("mode", ["drain", "abort"])
def test_a_runner_pauses_in_the_requested_mode_and_keeps_the_checkpoints(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    store = Store.open(database_url)
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    checkpoint = campaign_directory(tmp_path, campaign_id) / "a.checkpoint"

    def train(store: Store, lease: Lease, campaign: Campaign, data_dir: Path, heartbeat: Heartbeat, *_: object) -> None:
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
        checkpoint.touch()
        work = campaign.next_trial()
        store.service.request_pause(campaign_id, mode)  # type: ignore[arg-type]
        wait_until(lambda: heartbeat.must_end if mode == "abort" else campaign.draining)
        assert heartbeat.must_end == (mode == "abort")
        if mode == "drain":
            finish(campaign, work)

    monkeypatch.setattr(runner, "run_phases", train)
    assert runner.run(campaign_id, store, tmp_path, "runner", 24) == EXIT_DONE
    record = store.reads.get_campaign(campaign_id)
    assert (record.state, record.trials_finished) == ("paused", int(mode == "drain"))
    assert checkpoint.exists()
    assert runner.run(campaign_id, store, tmp_path, "another", 24) == EXIT_NOT_OURS

    store.service.request_resume(campaign_id)
    monkeypatch.setattr(runner, "run_phases", lambda store, lease, campaign, *_: run_to_the_end(campaign))
    assert runner.run(campaign_id, store, tmp_path, "another", 60) == EXIT_DONE
    assert store.reads.get_campaign(campaign_id).state == "completed"
    assert not checkpoint.exists()
    assert verify(store, campaign_id).trials_finished == 8
    store.close()


def test_a_runner_that_finds_its_campaign_pausing_trains_nothing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    store.runner.claim(campaign_id, "lost", 20)
    store.service.request_pause(campaign_id)
    store.runner.release(campaign_id, "lost")
    monkeypatch.setattr(runner, "run_phases", lambda *_: pytest.fail("nothing should be trained"))
    assert runner.run(campaign_id, store, tmp_path, "next", 20) == EXIT_DONE
    assert store.reads.get_campaign(campaign_id).state == "paused"
