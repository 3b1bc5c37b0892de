"""Stop conditions, and the device time of campaigns."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from nas_controller.campaigns.campaign import Campaign
from nas_controller.campaigns.finals import Finals
from nas_controller.campaigns.replay import verify
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.search.outcomes import Failed, Rewarded, TrialWork
from nas_controller.search.proposals import Search, TrialProposal
from nas_controller.store import CampaignRecord, Lease, Store
from nas_controller.supervision import runner
from nas_controller.supervision.lease_heartbeat import Heartbeat
from nas_controller.supervision.runner import EXIT_DONE
from search_space.space import Widths
from tests.support.synthetic_campaigns import LONG_AGO, Clock, synthetic_spec
from tests.support.trials import trials_of


def spec(**conditions: Any) -> CampaignSpec:
    hardly_learns = {"policy": "factorised", "learning_rate": 1e-9, "repeats": "count"}
    return synthetic_spec(trials=20, parallelism=2, stop=conditions, controller=hardly_learns)


def claimed_campaign(store: Store, campaign_spec: CampaignSpec) -> Campaign:
    return Campaign(store, store.runner.claim(store.service.create_campaign(campaign_spec).id, "runner", 1e6))


def next_work(campaign: Campaign) -> TrialWork:
    work = campaign.next_trial()
    assert work is not None
    campaign.begun(work, LONG_AGO)
    return work


def record_of(store: Store, campaign: Campaign) -> CampaignRecord:
    return store.reads.get_campaign(campaign.record.id)


def last_event(store: Store, campaign: Campaign) -> tuple[str, Any]:
    event = store.reads.events_after(campaign.record.id, 0, 1000)[-1]
    return event.kind, event.data


def test_the_reward_that_reaches_the_target_ends_the_campaign_in_the_same_transaction(store: Store) -> None:
    campaign = claimed_campaign(store, spec(target_reward=0.5))
    first, second = next_work(campaign), next_work(campaign)
    campaign.complete(first, Rewarded(0.49, {}))
    assert not campaign.over
    third = next_work(campaign)
    campaign.complete(second, Rewarded(0.5, {}))
    assert campaign.over
    assert campaign.next_trial() is None
    campaign.complete(third, Rewarded(0.9, {}))  # too late to count
    record = record_of(store, campaign)
    assert (record.state, record.stopped_because, record.trials_finished) == ("completed", "target_reward", 2)
    assert last_event(store, campaign) == ("campaign.completed", {"because": "target_reward"})
    assert [trial.state for trial in trials_of(store, record.id)] == ["completed", "completed", "stopped"]
    assert verify(store, record.id).trials_finished == 2


def test_outcomes_without_improvement_end_the_campaign(store: Store) -> None:
    campaign = claimed_campaign(store, spec(no_improvement_trials=3))
    for reward in (0.2, 0.1, 0.2, 0.3, 0.3):
        campaign.complete(next_work(campaign), Rewarded(reward, {}))
    assert not campaign.over
    campaign.complete(next_work(campaign), Failed("give_up", "the loss is not finite"))
    assert not campaign.over
    campaign.complete(next_work(campaign), Rewarded(0.1, {}))
    record = record_of(store, campaign)
    assert (record.state, record.stopped_because, record.trials_finished) == ("completed", "no_improvement_trials", 7)
    verify(store, record.id)


def test_repeats_count_towards_the_condition_and_the_campaign_ends_between_them(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Search.propose

    def propose(search: Search, number: int, is_known: Callable[[Widths], bool]) -> TrialProposal:
        return original(search, min(number, 1), is_known)

    monkeypatch.setattr(Search, "propose", propose)
    for waits in (False, True):
        campaign = claimed_campaign(store, spec(no_improvement_trials=2))
        first, second = next_work(campaign), next_work(campaign)
        campaign.complete(first, Rewarded(0.5, {}))
        if waits:  # two repeats wait for their original
            assert campaign.next_trial() is None
        campaign.complete(second, Rewarded(0.6, {}))
        if not waits:
            assert campaign.next_trial() is None
        record = record_of(store, campaign)
        assert (record.state, record.stopped_because, record.trials_finished) == (
            "completed", "no_improvement_trials", 4,
        )  # fmt: skip
        verify(store, record.id)


def test_device_hours_count_all_attempts(store: Store, clock: Clock) -> None:
    campaign = claimed_campaign(store, spec(device_hours=1))
    first, second = next_work(campaign), next_work(campaign)
    clock.advance(1000)
    campaign.complete(first, Failed("retry", "the worker died"))
    campaign.complete(second, Rewarded(0.5, {}))
    assert record_of(store, campaign).device_seconds == 2000
    retried = next_work(campaign)
    clock.advance(1599)
    campaign.complete(retried, Rewarded(0.5, {}))
    assert not campaign.over
    last = next_work(campaign)
    clock.advance(1)
    campaign.complete(last, Rewarded(0.5, {}))
    record = record_of(store, campaign)
    assert (record.device_seconds, record.stopped_because) == (3600, "device_hours")


def test_device_hours_count_what_workers_tell_and_not_their_wait_for_the_commit(store: Store, clock: Clock) -> None:
    more = {"finals": {"top": 1, "seeds": 1}, "resources": {"gpus": 2}, "parallelism": 2}
    campaign = claimed_campaign(store, synthetic_spec(trials=20, stop={"device_hours": 1}, **more))
    first, second = next_work(campaign), next_work(campaign)
    clock.advance(5000)
    campaign.complete(first, Failed("retry", "no memory", seconds=400.0))
    campaign.complete(second, Rewarded(0.5, {}, seconds=500.0))
    assert (record_of(store, campaign).device_seconds, campaign.over) == (2 * 900, False)
    lost = next_work(campaign)
    clock.advance(100)
    campaign.complete(lost, Failed("retry", "the worker died"))  # it told nothing
    assert record_of(store, campaign).device_seconds == 2 * 1000
    last = next_work(campaign)
    clock.advance(5000)
    campaign.complete(last, Rewarded(0.5, {}, seconds=800.0))
    record = record_of(store, campaign)
    assert (record.device_seconds, record.is_in_finals) == (3600, True)
    verify(store, record.id)

    finals = Finals(store, campaign._lease, campaign, lambda failure: False)
    for outcome in (Failed("retry", "no memory", seconds=3.0), Rewarded(0.5, {}, seconds=7.0)):
        work = finals.next_trial()
        assert work is not None
        finals.begun(work, 0.0)
        clock.advance(1000)
        finals.complete(work, outcome)
    assert record_of(store, campaign).device_seconds == 3600 + 2 * 10
    verify(store, record.id)


def test_the_device_time_of_a_lost_runner_ends_with_its_lease(store: Store, clock: Clock) -> None:
    lease = store.runner.claim(store.service.create_campaign(spec()).id, "lost", 20)
    next_work(Campaign(store, lease))
    clock.advance(100_000)
    store.runner.claim(lease.campaign_id, "next", 20)
    assert store.reads.get_campaign(lease.campaign_id).device_seconds == 20


def test_wall_time_does_not_count_pauses(store: Store, clock: Clock) -> None:
    campaign = claimed_campaign(store, spec(wall_seconds=100))
    campaign_id = campaign.record.id
    clock.advance(50)
    campaign.complete(next_work(campaign), Rewarded(0.5, {}))
    store.service.request_pause(campaign_id)
    store.runner.pause_campaign(campaign._lease)
    clock.advance(1000)
    store.service.request_resume(campaign_id)
    campaign = Campaign(store, store.runner.claim(campaign_id, "another", 1e6))
    clock.advance(49)
    assert not store.runner.is_out_of_time(record_of(store, campaign))
    campaign.complete(next_work(campaign), Rewarded(0.5, {}))
    assert not campaign.over
    work = next_work(campaign)
    clock.advance(1)
    assert store.runner.is_out_of_time(record_of(store, campaign))
    campaign.complete(work, Rewarded(0.5, {}))
    assert campaign.over
    assert record_of(store, campaign).stopped_because == "wall_seconds"


def test_a_runner_ends_at_the_wall_time_even_during_a_trial(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(database_url)
    campaign_id = store.service.create_campaign(spec(wall_seconds=0.5)).id

    def train(store: Store, lease: Lease, campaign: Campaign, data_dir: Path, heartbeat: Heartbeat, *_: object) -> None:
        assert campaign.next_trial() is not None
        began = datetime.now(UTC)
        while not heartbeat.must_end:
            assert (datetime.now(UTC) - began).total_seconds() < 100
            time.sleep(0.01)

    monkeypatch.setattr(runner, "run_phases", train)
    assert runner.run(campaign_id, store, tmp_path, "runner", 24) == EXIT_DONE
    record = store.reads.get_campaign(campaign_id)
    assert (record.state, record.stopped_because) == ("completed", "wall_seconds")
    store.close()


def test_a_campaign_that_finishes_all_trials_has_no_stop_reason(store: Store) -> None:
    campaign = claimed_campaign(store, synthetic_spec(trials=1, stop={"target_reward": 0.5}))
    campaign.complete(next_work(campaign), Rewarded(0.9, {}))
    record = record_of(store, campaign)
    assert (record.state, record.stopped_because) == ("completed", None)


@pytest.mark.parametrize(
    ("name", "value"),
    [("wall_seconds", 0), ("target_reward", 1.5), ("no_improvement_trials", 0), ("device_hours", -1), ("days", 3)],
)
def test_invalid_conditions_are_refused_with_their_field(name: str, value: float) -> None:
    with pytest.raises(ValidationError) as caught:
        synthetic_spec(stop={name: value})
    assert caught.value.errors()[0]["loc"] == ("stop", name)
