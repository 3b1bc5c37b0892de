"""Only the owner of the latest lease may write to a campaign, until the lease expires."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from nas_controller.store import ConflictError, Lease, LeaseLostError, Store
from tests.support.begun_trials import STATE, begin, claimed
from tests.support.synthetic_campaigns import Clock, synthetic_spec


def test_a_lease_excludes_other_runners_until_it_expires(store: Store, clock: Clock) -> None:
    lease = claimed(store, "first", 20)
    with pytest.raises(ConflictError, match="first"):
        store.runner.claim(lease.campaign_id, "second", 20)
    assert store.runner.runnable_campaigns() == ()
    clock.advance(15)
    store.runner.renew(lease)
    clock.advance(15)
    begin(store, lease, 0)
    clock.advance(6)
    assert [c.id for c in store.runner.runnable_campaigns()] == [lease.campaign_id]
    taken = store.runner.claim(lease.campaign_id, "second", 20)
    assert taken.epoch == lease.epoch + 1


def test_a_runner_that_lost_its_lease_writes_nothing(store: Store, clock: Clock) -> None:
    lost = claimed(store, "first", 20)
    begin(store, lost, 0)
    clock.advance(21)
    writes: list[Callable[[], object]] = [
        lambda: store.runner.renew(lost),
        lambda: begin(store, lost, 1),
        lambda: store.runner.start_attempt(lost, 0),
        lambda: store.runner.record_progress(lost, 0, 1, 1, 2, {}),
        lambda: store.runner.fail_attempt(lost, 0, 1, "x"),
        lambda: store.runner.accept_reward(lost, 0, 1, 0.5, {}, STATE),
        lambda: store.runner.accept_repeat(lost, 0, STATE),
        lambda: store.runner.fail_trial(lost, 0, "x", STATE),
        lambda: store.runner.finish_campaign(lost, "completed"),
    ]
    for write in writes:  # expired, though no other runner has claimed it yet
        with pytest.raises(LeaseLostError, match="expired"):
            write()
    current = store.runner.claim(lost.campaign_id, "second", 20)
    before = store.reads.get_campaign(lost.campaign_id), store.reads.get_trial(lost.campaign_id, 0)
    for write in writes:
        with pytest.raises(LeaseLostError, match="has lost to lease"):
            write()
    assert (store.reads.get_campaign(lost.campaign_id), store.reads.get_trial(lost.campaign_id, 0)) == before
    assert before[1].attempts[0].state == "abandoned"
    assert store.runner.start_attempt(current, 0).epoch == current.epoch


def test_a_released_lease_can_be_claimed_at_once(store: Store) -> None:
    lease = claimed(store, "first")
    store.runner.release(lease.campaign_id, "another runner")
    with pytest.raises(ConflictError):
        store.runner.claim(lease.campaign_id, "second", 20)
    store.runner.release(lease.campaign_id, "first")
    assert store.runner.claim(lease.campaign_id, "second", 20).epoch == 2
    with pytest.raises(LeaseLostError):
        store.runner.renew(lease)


@pytest.mark.parametrize(("released_after", "counted"), [(5, 5.0), (100, 20.0)])
def test_time_without_a_runner_is_no_device_time(
    store: Store, clock: Clock, released_after: int, counted: float
) -> None:
    lease = claimed(store, "first", 20)
    begin(store, lease, 0)
    store.runner.record_begin(lease, 0, 1, 0.0)
    clock.advance(released_after)
    store.runner.release(lease.campaign_id, "first")
    assert [campaign.id for campaign in store.runner.runnable_campaigns()] == [lease.campaign_id]
    clock.advance(100_000)
    store.runner.claim(lease.campaign_id, "second", 20)
    assert store.reads.get_trial(lease.campaign_id, 0).attempts[0].state == "abandoned"
    assert store.reads.get_campaign(lease.campaign_id).device_seconds == counted


def test_a_finished_campaign_cannot_be_claimed(store: Store) -> None:
    lease = claimed(store)
    store.runner.finish_campaign(lease, "failed", "the data set is missing")
    with pytest.raises(ConflictError, match="failed"):
        store.runner.claim(lease.campaign_id, "second", 20)
    assert store.reads.get_campaign(lease.campaign_id).error == "the data set is missing"


def test_only_one_of_many_claims_wins(store: Store) -> None:
    campaign = store.service.create_campaign(synthetic_spec())
    won: list[Lease] = []

    def claim(owner: str) -> None:
        with suppress(ConflictError):
            won.append(store.runner.claim(campaign.id, owner, 60))

    threads = [threading.Thread(target=claim, args=(f"runner {k}",)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_the_versions_of_a_trial_are_those_of_the_runner_that_ran_it(store: Store, clock: Clock) -> None:
    first = {"effspine": "1", "commit": "a" * 40, "python": "3.11.9", "numpy": "2", "tensorflow": "2.20"}
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    assert store.reads.versions_of(campaign_id) == {}
    store.runner.claim(campaign_id, "first", 20, {**first, "machine": "x86_64"})
    then = clock.now
    clock.advance(21)
    store.runner.claim(campaign_id, "second", 20, {"effspine": "2", "numpy": "3"})
    assert store.reads.versions_of(campaign_id, then) == first
    assert store.reads.versions_of(campaign_id) == {"effspine": "2", "numpy": "3"}
