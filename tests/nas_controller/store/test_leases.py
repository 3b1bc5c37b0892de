"""Who may write to a campaign: the owner of its latest lease, until that expires."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from nas_controller.store import ConflictError, Lease, LeaseLostError, Store
from tests.support.begun_trials import STATE, begin, claimed
from tests.support.synthetic_campaigns import Clock, synthetic_spec


def test_a_lease_keeps_others_out_until_it_expires(store: Store, clock: Clock) -> None:
    lease = claimed(store, "first", 20)
    with pytest.raises(ConflictError, match="first"):
        store.claim(lease.campaign_id, "second", 20)
    assert store.runnable_campaigns() == ()
    clock.advance(15)
    store.renew(lease)
    clock.advance(15)
    begin(store, lease, 0)
    clock.advance(6)
    assert [c.id for c in store.runnable_campaigns()] == [lease.campaign_id]
    taken = store.claim(lease.campaign_id, "second", 20)
    assert taken.epoch == lease.epoch + 1


def test_a_runner_that_lost_its_lease_writes_nothing(store: Store, clock: Clock) -> None:
    lost = claimed(store, "first", 20)
    begin(store, lost, 0)
    clock.advance(21)
    writes: list[Callable[[], object]] = [
        lambda: store.renew(lost),
        lambda: begin(store, lost, 1),
        lambda: store.start_attempt(lost, 0),
        lambda: store.record_progress(lost, 0, 1, 1, 2, {}),
        lambda: store.fail_attempt(lost, 0, 1, "x"),
        lambda: store.accept_reward(lost, 0, 1, 0.5, {}, STATE),
        lambda: store.accept_repeat(lost, 0, STATE),
        lambda: store.fail_trial(lost, 0, "x", STATE),
        lambda: store.finish_campaign(lost, "completed"),
    ]
    for write in writes:  # expired, though nobody has taken over yet
        with pytest.raises(LeaseLostError, match="expired"):
            write()
    current = store.claim(lost.campaign_id, "second", 20)
    before = store.get_campaign(lost.campaign_id), store.get_trial(lost.campaign_id, 0)
    for write in writes:
        with pytest.raises(LeaseLostError, match="has lost to lease"):
            write()
    assert (store.get_campaign(lost.campaign_id), store.get_trial(lost.campaign_id, 0)) == before
    assert before[1].attempts[0].state == "abandoned"
    assert store.start_attempt(current, 0).epoch == current.epoch


def test_a_released_lease_can_be_claimed_at_once(store: Store) -> None:
    lease = claimed(store, "first")
    store.release(lease.campaign_id, "somebody else")
    with pytest.raises(ConflictError):
        store.claim(lease.campaign_id, "second", 20)
    store.release(lease.campaign_id, "first")
    assert store.claim(lease.campaign_id, "second", 20).epoch == 2
    with pytest.raises(LeaseLostError):
        store.renew(lease)


def test_a_finished_campaign_cannot_be_claimed(store: Store) -> None:
    lease = claimed(store)
    store.finish_campaign(lease, "failed", "the data set is gone")
    with pytest.raises(ConflictError, match="failed"):
        store.claim(lease.campaign_id, "second", 20)
    assert store.get_campaign(lease.campaign_id).error == "the data set is gone"


def test_only_one_of_many_claims_wins(store: Store) -> None:
    campaign = store.create_campaign(synthetic_spec())
    won: list[Lease] = []

    def claim(owner: str) -> None:
        with suppress(ConflictError):
            won.append(store.claim(campaign.id, owner, 60))

    threads = [threading.Thread(target=claim, args=(f"runner {k}",)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
