"""A completed campaign continues with more trials, and its replay is that of one search."""

from __future__ import annotations

import pytest

from nas_controller.campaigns.replay import verify
from nas_controller.search.outcomes import Rewarded
from nas_controller.store import ConflictError, Store
from search_space.errors import InvalidValueError
from tests.support.synthetic_campaigns import Clock, claimed_campaign, create, final_state, run_to_the_end
from tests.support.trials import kinds, trials_of


def test_it_continues_from_what_the_controller_has_learned(store: Store, clock: Clock) -> None:
    whole, parts = create(store, trials=12, seed=4), create(store, trials=5, seed=4)
    run_to_the_end(claimed_campaign(store, whole))
    run_to_the_end(claimed_campaign(store, parts))
    clock.advance(1000)
    record = store.service.update_campaign(parts, {"trials": 12})
    assert (record.state, record.finished_at, record.paused_seconds) == ("running", None, 1000)
    assert kinds(store, parts)[-2:] == ["campaign.updated", "campaign.continued"]
    verify(store, parts)
    run_to_the_end(claimed_campaign(store, parts))
    assert final_state(store, parts) == final_state(store, whole)
    assert verify(store, parts).trials_finished == 12


def test_trials_that_a_stop_condition_has_cut_off_run_again(store: Store) -> None:
    campaign_id = create(store, trials=20, parallelism=3, stop={"target_reward": 0.8})
    campaign = claimed_campaign(store, campaign_id)
    first, *_ = [campaign.next_trial() for _ in range(3)]
    assert first is not None
    campaign.complete(first, Rewarded(0.9, {"ap": 0.9}))
    assert [trial.state for trial in trials_of(store, campaign_id)] == ["completed", "stopped", "stopped"]
    store.service.update_campaign(campaign_id, {"stop": {"target_reward": 0.95}})
    assert store.reads.events_after(campaign_id, 0, 1000)[-1].data == {"trials": [1, 2]}
    verify(store, campaign_id)
    run_to_the_end(claimed_campaign(store, campaign_id), parallelism=3)
    assert {trial.state for trial in trials_of(store, campaign_id)} == {"completed"}
    assert verify(store, campaign_id).trials_finished == 20


def test_what_would_not_continue_changes_nothing(store: Store) -> None:
    campaign_id = create(store, trials=3)
    run_to_the_end(claimed_campaign(store, campaign_id))
    before = store.reads.get_campaign(campaign_id)
    for patch in ({"trials": 3}, {"name": "again"}, {}):
        with pytest.raises(InvalidValueError, match="it continues with `trials` above 3, not with 3"):
            store.service.update_campaign(campaign_id, patch)
    with pytest.raises(ConflictError, match="`seed` cannot be changed after the start"):
        store.service.update_campaign(campaign_id, {"trials": 9, "seed": 2})
    assert store.reads.get_campaign(campaign_id) == before


@pytest.mark.parametrize("end", ["stopped", "failed"])
def test_a_stopped_or_failed_campaign_does_not_continue(store: Store, end: str) -> None:
    campaign_id = create(store, trials=3)
    claimed_campaign(store, campaign_id).end("stopped" if end == "stopped" else "failed", "an error")
    with pytest.raises(ConflictError, match=f"is {end} and cannot be changed"):
        store.service.update_campaign(campaign_id, {"trials": 9})
