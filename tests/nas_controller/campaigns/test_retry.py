"""A failed campaign is retried with all of its finished trials."""

from __future__ import annotations

import pytest

from nas_controller.campaigns.campaign import Campaign
from nas_controller.campaigns.replay import verify
from nas_controller.search.outcomes import Failed, Rewarded, TrialWork
from nas_controller.store import ConflictError, NotFoundError, Store
from tests.support.data_identities import data_identity
from tests.support.databases import ON_EACH_DATABASE
from tests.support.synthetic_campaigns import Clock, claimed_campaign, create, run_to_the_end, synthetic_spec
from tests.support.trials import kinds, trials_of

ATTEMPTS = 1 + synthetic_spec().retries
TRUNCATED = Failed("stop", "images/000.jpg is truncated", "unreadable-image")


def work_of(campaign: Campaign) -> TrialWork:
    work = campaign.next_trial()
    assert work is not None
    return work


def failed_campaign(store: Store, clock: Clock) -> str:
    """A campaign that failed with its third trial, while a fourth was in training."""
    campaign_id = create(store, trials=6, parallelism=2)
    campaign = claimed_campaign(store, campaign_id)
    for reward in (0.5, 0.25):
        campaign.complete(work_of(campaign), Rewarded(reward, {"ap": reward}))
    third, _ = work_of(campaign), work_of(campaign)
    clock.advance(60)
    campaign.complete(third, TRUNCATED)
    assert store.reads.get_campaign(campaign_id).state == "failed"
    return campaign_id


@ON_EACH_DATABASE
def test_a_retried_campaign_keeps_its_finished_trials_and_runs_the_others_again(store: Store, clock: Clock) -> None:
    campaign_id = failed_campaign(store, clock)
    before = trials_of(store, campaign_id)
    assert [trial.state for trial in before] == ["completed", "completed", "stopped", "stopped"]
    clock.advance(1000)
    record = store.service.request_retry(campaign_id)
    assert (record.state, record.error, record.error_kind, record.finished_at) == ("running", None, None, None)
    assert (record.paused_seconds, record.trials_finished) == (1000, 2)
    event = store.reads.events_after(campaign_id, 0, 1000)[-1]
    assert (event.kind, event.data) == ("campaign.retried", {"trials": [2, 3]})
    assert [trial.state for trial in trials_of(store, campaign_id)] == ["completed", "completed", "running", "running"]
    assert [each.id for each in store.runner.runnable_campaigns()] == [campaign_id]

    started = run_to_the_end(claimed_campaign(store, campaign_id), parallelism=2)
    assert [(work.number, work.attempt) for work in started[:2]] == [(2, 2), (3, 2)]
    record = store.reads.get_campaign(campaign_id)
    assert (record.state, record.trials_finished) == ("completed", 6)
    assert trials_of(store, campaign_id)[:2] == before[:2]
    assert verify(store, campaign_id).trials_finished == 6


def test_wall_time_does_not_count_while_the_campaign_had_failed(store: Store, clock: Clock) -> None:
    campaign_id = create(store, trials=3, stop={"wall_seconds": 100})
    campaign = claimed_campaign(store, campaign_id)
    campaign.complete(work_of(campaign), Rewarded(0.5, {"ap": 0.5}))
    clock.advance(50)
    campaign.complete(work_of(campaign), TRUNCATED)
    clock.advance(10_000)
    store.service.request_retry(campaign_id)
    campaign = claimed_campaign(store, campaign_id)
    clock.advance(49)
    campaign.complete(work_of(campaign), Rewarded(0.5, {"ap": 0.5}))
    assert not campaign.over


def test_a_baseline_has_all_its_retries_again(store: Store) -> None:
    campaign_id = create(store, trials=2)
    for _ in range(2):
        campaign = claimed_campaign(store, campaign_id)
        for _ in range(ATTEMPTS):
            assert not campaign.over
            campaign.complete(work_of(campaign), Failed("retry", "out of memory", "out-of-memory"))
        assert campaign.over
        assert store.service.request_retry(campaign_id).state == "running"
    run_to_the_end(claimed_campaign(store, campaign_id))
    attempts = store.reads.get_trial(campaign_id, 0).attempts
    assert [attempt.state for attempt in attempts] == ["failed"] * 2 * ATTEMPTS + ["accepted"]
    verify(store, campaign_id)


def test_failures_before_a_retry_do_not_count_towards_the_limits(store: Store) -> None:
    campaign_id = create(store, trials=8, max_failures=2)
    campaign = claimed_campaign(store, campaign_id)
    diverged = Failed("give_up", "the loss is not finite", "non-finite-loss")
    for outcome in (Rewarded(0.5, {"ap": 0.5}), diverged, diverged):
        campaign.complete(work_of(campaign), outcome)
    assert store.reads.get_campaign(campaign_id).error_kind == "too-many-failures"
    store.service.request_retry(campaign_id)
    campaign = claimed_campaign(store, campaign_id)
    campaign.complete(work_of(campaign), diverged)
    assert not campaign.over
    assert store.reads.get_trial_record(campaign_id, 1).state == "failed"  # given up for good
    run_to_the_end(campaign)
    assert store.reads.get_campaign(campaign_id).state == "completed"
    verify(store, campaign_id)


def test_a_campaign_whose_data_are_restored_goes_on_and_one_whose_are_not_fails_again(store: Store) -> None:
    data, edited = data_identity(), data_identity(train_boxes=95)
    campaign_id = create(store, trials=3)
    campaign = claimed_campaign(store, campaign_id)
    campaign.complete(work_of(campaign), Rewarded(0.5, {"ap": 0.5}, data))
    campaign.complete(work_of(campaign), Rewarded(0.75, {"ap": 0.75}, edited))
    for found, state in ((edited, "failed"), (data, "running")):
        store.service.request_retry(campaign_id)
        campaign = claimed_campaign(store, campaign_id)
        campaign.complete(work_of(campaign), Rewarded(0.25, {"ap": 0.25}, found))
        assert store.reads.get_campaign(campaign_id).state == state
    verify(store, campaign_id)


def test_a_campaign_that_failed_before_any_outcome_may_be_retried_with_other_data(store: Store) -> None:
    campaign_id = create(store, trials=1)
    campaign = claimed_campaign(store, campaign_id)
    campaign.complete(work_of(campaign), Failed("stop", "no AP", "no-ap", data=data_identity()))
    store.service.request_retry(campaign_id)
    mended = data_identity(train_annotations_sha256="9" * 64)
    campaign = claimed_campaign(store, campaign_id)
    campaign.complete(work_of(campaign), Rewarded(0.5, {"ap": 0.5}, mended))
    record = store.reads.get_campaign(campaign_id)
    assert (record.state, record.data) == ("completed", mended)


def test_a_campaign_whose_last_trial_had_failed_completes_when_it_is_retried(store: Store) -> None:
    campaign_id = create(store, trials=2, max_failures=1)
    campaign = claimed_campaign(store, campaign_id)
    campaign.complete(work_of(campaign), Rewarded(0.5, {"ap": 0.5}))
    campaign.complete(work_of(campaign), Failed("give_up", "the loss is not finite", "non-finite-loss"))
    assert store.reads.get_campaign(campaign_id).state == "failed"
    store.service.request_retry(campaign_id)
    assert claimed_campaign(store, campaign_id).over
    assert store.reads.get_campaign(campaign_id).state == "completed"
    assert kinds(store, campaign_id)[-3:] == ["campaign.retried", "campaign.claimed", "campaign.completed"]
    verify(store, campaign_id)


@pytest.mark.parametrize(
    "state", ["draft", "pending", "running", "pausing", "paused", "stopping", "stopped", "completed"]
)
def test_only_a_failed_campaign_is_retried(store: Store, state: str) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec(), draft=state == "draft").id
    if state not in ("draft", "pending", "paused"):
        lease = store.runner.claim(campaign_id, "runner", 60)
    if state in ("pausing", "paused"):
        store.service.request_pause(campaign_id)
    elif state == "stopping":
        store.service.request_stop(campaign_id)
    elif state in ("stopped", "completed"):
        store.runner.finish_campaign(lease, state)
    assert store.reads.get_campaign(campaign_id).state == state
    last = store.reads.get_campaign(campaign_id).last_event
    with pytest.raises(ConflictError, match=f"is {state} and cannot be retried; only one that is failed can be"):
        store.service.request_retry(campaign_id)
    assert store.reads.get_campaign(campaign_id).last_event == last


def test_an_unknown_campaign_is_not_retried(store: Store) -> None:
    with pytest.raises(NotFoundError):
        store.service.request_retry("c_0")
