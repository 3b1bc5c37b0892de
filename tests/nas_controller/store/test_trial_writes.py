"""Outcomes of trials, their order, and stops of campaigns, on every database."""

from __future__ import annotations

import pytest

from nas_controller.store import ConflictError, Store
from search_space.errors import InvalidValueError
from tests.support.begun_trials import STATE, begin, claimed
from tests.support.synthetic_campaigns import synthetic_spec
from tests.support.trials import kinds


def test_reward_controller_and_event_are_written_in_one_transaction(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = claimed(store)
    begin(store, lease, 0)
    before = store.reads.get_campaign(lease.campaign_id), store.reads.get_trial(lease.campaign_id, 0)
    with pytest.raises(ValueError, match="JSON"):
        store.runner.accept_reward(lease, 0, 1, 0.5, {}, {"not JSON": float("nan")})
    assert (store.reads.get_campaign(lease.campaign_id), store.reads.get_trial(lease.campaign_id, 0)) == before
    assert store.reads.controller_state(lease.campaign_id) is None

    acceptance = store.runner.accept_reward(lease, 0, 1, 0.5, {}, STATE)
    assert acceptance.outcome == "accepted"
    controller = store.reads.controller_state(lease.campaign_id)
    event = store.reads.events_after(lease.campaign_id)[-1]
    assert controller is not None
    assert controller.state == STATE
    assert event.kind == "trial.completed"
    assert (event.sequence, event.data["controller_sha256"]) == (controller.sequence, controller.digest)
    campaign = store.reads.get_campaign(lease.campaign_id)
    assert (campaign.trials_finished, campaign.best_reward, campaign.baseline_reward) == (1, 0.5, 0.5)


def test_the_first_finished_attempt_wins(store: Store) -> None:
    lease = claimed(store)
    begin(store, lease, 0)
    lost = store.runner.fail_attempt(lease, 0, 1, "lost its worker", "worker-killed", "last words")
    assert (lost.error, lost.error_kind, lost.log_tail) == ("lost its worker", "worker-killed", "last words")
    assert store.reads.get_trial(lease.campaign_id, 0).trial.error_kind == "worker-killed"
    store.runner.start_attempt(lease, 0)
    assert store.runner.accept_reward(lease, 0, 1, 0.4, {}, STATE).outcome == "accepted"
    won = store.reads.get_trial(lease.campaign_id, 0)
    for record in (won.trial, won.attempts[0]):
        assert (record.error, record.error_kind) == (None, None)
    assert won.attempts[0].log_tail is None
    before = store.reads.get_campaign(lease.campaign_id)

    duplicate = store.runner.accept_reward(lease, 0, 1, 0.9, {}, {"other": 1})
    assert (duplicate.outcome, duplicate.trial.reward) == ("duplicate", 0.4)
    assert store.reads.get_campaign(lease.campaign_id) == before

    late = store.runner.accept_reward(lease, 0, 2, 0.9, {}, {"other": 1})
    assert (late.outcome, late.trial.reward) == ("late", 0.4)
    again = store.runner.accept_reward(lease, 0, 2, 0.9, {}, {"other": 1})
    assert again.outcome == "late"
    detail = store.reads.get_trial(lease.campaign_id, 0)
    assert [(a.state, a.reward) for a in detail.attempts] == [("accepted", 0.4), ("late", 0.9)]
    controller = store.reads.controller_state(lease.campaign_id)
    assert controller is not None
    assert controller.state == STATE
    after = store.reads.get_campaign(lease.campaign_id)
    assert (after.trials_finished, after.best_reward) == (1, 0.4)
    assert kinds(store, lease.campaign_id).count("attempt.late") == 1


@pytest.mark.parametrize("reward", [-0.1, 1.1, float("nan"), float("inf")])
def test_rewards_outside_zero_to_one_are_refused(store: Store, reward: float) -> None:
    lease = claimed(store)
    begin(store, lease, 0)
    with pytest.raises(InvalidValueError):
        store.runner.accept_reward(lease, 0, 1, reward, {}, STATE)


def test_a_trial_given_up_has_reward_zero_and_an_error(store: Store) -> None:
    lease = claimed(store)
    begin(store, lease, 0)
    failed = store.runner.fail_trial(lease, 0, "the loss is not finite", STATE, "non-finite-loss").trial
    assert (failed.state, failed.reward, failed.error) == ("failed", 0.0, "the loss is not finite")
    assert failed.error_kind == store.reads.get_trial(lease.campaign_id, 0).attempts[0].error_kind == "non-finite-loss"
    assert store.reads.events_after(lease.campaign_id)[-1].data["kind"] == "non-finite-loss"
    begin(store, lease, 1, reused_from=0)
    assert store.runner.accept_repeat(lease, 1, STATE).trial.error_kind == "non-finite-loss"
    assert store.runner.fail_trial(lease, 0, "again", STATE).trial == failed
    assert store.reads.best_trials(lease.campaign_id) == ()
    assert store.reads.get_campaign(lease.campaign_id).best_reward is None
    with pytest.raises(ConflictError):
        store.runner.start_attempt(lease, 0)


def test_repeats_get_the_outcome_of_the_original(store: Store) -> None:
    lease = claimed(store)
    begin(store, lease, 0)
    begin(store, lease, 1, reused_from=0)
    with pytest.raises(ConflictError, match="running"):
        store.runner.accept_repeat(lease, 1, STATE)
    store.runner.accept_reward(lease, 0, 1, 0.6, {"ap": 0.6}, STATE)
    repeated = store.runner.accept_repeat(lease, 1, STATE).trial
    assert (repeated.state, repeated.reward, repeated.attempts) == ("completed", 0.6, 0)
    assert store.runner.accept_repeat(lease, 1, {"other": 1}).trial == repeated
    assert [trial.number for trial in store.reads.best_trials(lease.campaign_id, 5)] == [0]
    begin(store, lease, 2)
    with pytest.raises(ConflictError, match="is not a repeat"):
        store.runner.accept_repeat(lease, 2, STATE)


def test_trial_numbers_have_no_gaps_and_no_duplicates(store: Store) -> None:
    lease = claimed(store)
    with pytest.raises(ConflictError):
        begin(store, lease, 1)
    begin(store, lease, 0)
    with pytest.raises(ConflictError):
        begin(store, lease, 0)


def test_a_campaign_stops_at_once_or_when_its_runner_has_ended(store: Store) -> None:
    pending = store.service.create_campaign(synthetic_spec())
    assert store.service.request_stop(pending.id).state == "stopped"
    assert store.service.request_stop(pending.id).state == "stopped"

    lease = claimed(store)
    begin(store, lease, 0)
    assert store.service.request_stop(lease.campaign_id).state == "stopping"
    assert store.service.request_stop(lease.campaign_id).state == "stopping"
    assert store.runner.renew(lease).state == "stopping"
    assert store.runner.finish_campaign(lease, "stopped").state == "stopped"
    detail = store.reads.get_trial(lease.campaign_id, 0)
    assert (detail.trial.state, detail.attempts[0].state) == ("stopped", "abandoned")
    assert kinds(store, lease.campaign_id).count("campaign.stopping") == 1

    completed = claimed(store)
    store.runner.finish_campaign(completed, "completed")
    with pytest.raises(ConflictError, match="completed"):
        store.service.request_stop(completed.campaign_id)
