"""A completed or stopped campaign continues with trials to run, and its replay is that of one search."""

from __future__ import annotations

import pytest

from nas_controller.campaigns.finals import Finals
from nas_controller.campaigns.replay import verify
from nas_controller.search.outcomes import Rewarded
from nas_controller.store import ConflictError, Store
from search_space.errors import InvalidValueError
from tests.support.databases import ON_EACH_DATABASE
from tests.support.synthetic_campaigns import Clock, claimed_campaign, create, final_state, reward, run_to_the_end
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
    with pytest.raises(ConflictError, match="is completed: `seed` cannot be changed after the start"):
        store.service.update_campaign(campaign_id, {"trials": 9, "seed": 2})
    assert store.reads.get_campaign(campaign_id) == before


@ON_EACH_DATABASE
def test_a_stopped_campaign_goes_on_as_if_it_had_never_been_stopped(store: Store, clock: Clock) -> None:
    whole, stopped = create(store, trials=9, seed=4), create(store, trials=9, seed=4)
    run_to_the_end(claimed_campaign(store, whole))
    campaign = claimed_campaign(store, stopped)
    for _ in range(3):
        work = campaign.next_trial()
        assert work is not None
        campaign.complete(work, reward(campaign, work))
    assert campaign.next_trial() is not None
    store.service.request_stop(stopped)
    campaign.end("stopped")
    assert trials_of(store, stopped)[-1].state == "stopped"
    clock.advance(1000)
    record = store.service.update_campaign(stopped, {"trials": 9})
    assert (record.state, record.finished_at, record.paused_seconds) == ("running", None, 1000)
    assert store.reads.events_after(stopped, 0, 1000)[-1].data == {"trials": [3]}
    verify(store, stopped)
    run_to_the_end(claimed_campaign(store, stopped))
    assert final_state(store, stopped) == final_state(store, whole)
    assert verify(store, stopped).trials_finished == 9


def test_a_campaign_that_was_stopped_before_it_began_waits_for_its_first_runner(store: Store) -> None:
    campaign_id = create(store, trials=3)
    store.service.request_stop(campaign_id)
    assert store.service.update_campaign(campaign_id, {"trials": 4}).state == "pending"
    verify(store, campaign_id)
    run_to_the_end(claimed_campaign(store, campaign_id))
    assert verify(store, campaign_id).trials_finished == 4


def test_a_stopped_campaign_goes_on_with_trials_to_run_alone(store: Store) -> None:
    campaign_id = create(store, trials=3)
    campaign = claimed_campaign(store, campaign_id)
    work = campaign.next_trial()
    assert work is not None
    campaign.complete(work, reward(campaign, work))
    campaign.end("stopped")
    before = store.reads.get_campaign(campaign_id)
    for patch in ({"name": "again"}, {"parallelism": 2}, {"stop": None}):
        with pytest.raises(ConflictError, match="is stopped and cannot be changed"):
            store.service.update_campaign(campaign_id, patch)
    with pytest.raises(InvalidValueError, match="is stopped with 1 trials; it continues with `trials` above 1, not"):
        store.service.update_campaign(campaign_id, {"trials": 1})
    assert store.reads.get_campaign(campaign_id) == before


def test_a_campaign_that_was_stopped_in_its_finals_has_to_end_them_first(store: Store) -> None:
    campaign_id = create(store, trials=3, finals={"top": 1, "seeds": 1})
    campaign = claimed_campaign(store, campaign_id)
    run_to_the_end(campaign)
    store.service.request_stop(campaign_id)
    campaign.end("stopped")
    with pytest.raises(ConflictError, match="was stopped in its finals; run them to their end"):
        store.service.update_campaign(campaign_id, {"trials": 9})
    assert store.reads.get_campaign(campaign_id).state == "stopped"
    store.service.request_finals(campaign_id, {})
    campaign = claimed_campaign(store, campaign_id)
    finals = Finals(store, campaign._lease, campaign, lambda failure: False)
    while (work := finals.next_trial()) is not None:
        finals.complete(work, Rewarded(0.2, {"ap": 0.2}))
    assert store.service.update_campaign(campaign_id, {"trials": 9}).state == "running"
    verify(store, campaign_id)


def test_a_failed_campaign_does_not_continue(store: Store) -> None:
    campaign_id = create(store, trials=3)
    claimed_campaign(store, campaign_id).end("failed", "an error")
    with pytest.raises(ConflictError, match="is failed and cannot be changed"):
        store.service.update_campaign(campaign_id, {"trials": 9})
