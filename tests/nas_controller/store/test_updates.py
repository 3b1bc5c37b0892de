"""Drafts, and campaigns that are changed while they run."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from nas_controller.campaigns.campaign import Campaign
from nas_controller.campaigns.replay import verify
from nas_controller.search.controller_spec import ControllerSpec
from nas_controller.search.outcomes import Failed, Rewarded
from nas_controller.store import ConflictError, NoMoreTrialsError, Store
from search_space.errors import InvalidValueError
from search_space.space import SearchSpace
from tests.support.synthetic_campaigns import Clock, synthetic_spec
from tests.support.trials import kinds


def run(campaign: Campaign) -> None:
    """Completes all trials with a reward."""
    while (work := campaign.next_trial()) is not None:
        campaign.complete(work, Rewarded(0.1 + 0.001 * work.number, {}))


def test_a_draft_waits_until_it_is_started(store: Store) -> None:
    draft = store.service.create_campaign(synthetic_spec(), draft=True)
    assert draft.state == "draft"
    assert store.runner.runnable_campaigns() == ()
    with pytest.raises(ConflictError, match="is draft and cannot be claimed"):
        store.runner.claim(draft.id, "runner", 10)
    with pytest.raises(ConflictError, match="is draft and cannot be paused"):
        store.service.request_pause(draft.id)
    assert store.service.start_campaign(draft.id).state == "pending"
    assert store.service.start_campaign(draft.id).state == "pending"
    assert kinds(store, draft.id) == ["campaign.created", "campaign.submitted"]
    assert [campaign.id for campaign in store.runner.runnable_campaigns()] == [draft.id]


def test_every_field_of_a_draft_can_be_changed_and_it_can_be_stopped(store: Store) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec(), draft=True).id
    changed = store.service.update_campaign(
        campaign_id, {"name": "another", "seed": 9, "search_space": {"mode": "paper"}, "stop": {"target_reward": 0.5}}
    )
    assert (changed.name, changed.spec.name, changed.spec.seed) == ("another", "another", 9)
    assert changed.spec.search_space.mode == "paper"
    assert store.service.update_campaign(campaign_id, {"stop": None}).spec.stop is None
    assert store.service.request_stop(campaign_id).state == "stopped"
    with pytest.raises(ConflictError, match="is stopped and cannot be started"):
        store.service.start_campaign(campaign_id)


def test_a_draft_can_change_its_algorithm_and_keeps_none_of_the_settings_of_another(store: Store) -> None:
    controller = {"policy": "factorised", "learning_rate": 0.5, "repeats": "count"}
    campaign_id = store.service.create_campaign(synthetic_spec(controller=controller), draft=True).id
    changed = store.service.update_campaign(
        campaign_id, {"controller": {"algorithm": "evolution", "population": 7, "tournament": 7}}
    )
    assert changed.spec.controller == ControllerSpec(algorithm="evolution", population=7, tournament=7, repeats="count")
    same = store.service.update_campaign(campaign_id, {"controller": {"algorithm": "evolution", "tournament": 3}})
    assert same.spec.controller == ControllerSpec(algorithm="evolution", population=7, tournament=3, repeats="count")
    with pytest.raises(ValidationError, match="'evolution' does not read it, 'reinforce' does"):
        store.service.update_campaign(campaign_id, {"controller": {"learning_rate": 0.1}})


def test_fields_that_determine_the_search_cannot_be_changed_after_the_start(store: Store) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    for patch in ({"seed": 9}, {"controller": {"entropy_bonus": 0.1}}, {"trials": 20, "dataset": "digits"}):
        with pytest.raises(ConflictError, match="cannot be changed after the start; name, trials, parallelism"):
            store.service.update_campaign(campaign_id, patch)
    assert store.reads.get_campaign(campaign_id).spec == synthetic_spec()
    assert kinds(store, campaign_id) == ["campaign.created"]


@pytest.mark.parametrize(
    ("patch", "field"),
    [({"trials": 0}, "trials"), ({"parallelism": "many"}, "parallelism"), ({"colour": "red"}, "colour"),
     ({"stop": {"target_reward": 2}}, "target_reward"), ({"resources": {"gpus": 1.5}}, "gpus")],
)  # fmt: skip
def test_an_invalid_change_names_the_field(store: Store, patch: dict[str, Any], field: str) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    with pytest.raises(ValidationError) as caught:
        store.service.update_campaign(campaign_id, patch)
    assert caught.value.errors()[0]["loc"][-1] == field


def test_a_change_without_effect_adds_no_event(store: Store) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    store.service.update_campaign(campaign_id, {})
    store.service.update_campaign(campaign_id, {"trials": synthetic_spec().trials})
    assert kinds(store, campaign_id) == ["campaign.created"]


def test_added_trials_run_even_if_the_runner_does_not_know_them_yet(store: Store) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec(trials=3)).id
    campaign = Campaign(store, store.runner.claim(campaign_id, "runner", 1e6))
    works = [campaign.next_trial() for _ in range(3)]
    store.service.update_campaign(campaign_id, {"trials": 5})
    for work in works:
        assert work is not None
        campaign.complete(work, Rewarded(0.2, {}))
    assert not campaign.over
    run(campaign)
    assert campaign.over
    record = store.reads.get_campaign(campaign_id)
    assert (record.state, record.trials_begun, record.trials_finished) == ("completed", 5, 5)
    assert verify(store, campaign_id).trials_finished == 5


def test_fewer_trials_end_the_campaign_even_if_the_runner_does_not_know_it_yet(store: Store) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec(trials=9)).id
    lease = store.runner.claim(campaign_id, "runner", 1e6)
    campaign = Campaign(store, lease)
    works = [campaign.next_trial() for _ in range(2)]
    with pytest.raises(InvalidValueError, match="2 trials have begun; `trials` must be at least that, not 1"):
        store.service.update_campaign(campaign_id, {"trials": 1})
    store.service.update_campaign(campaign_id, {"trials": 2})
    with pytest.raises(NoMoreTrialsError, match="has 2 trials"):
        store.runner.begin_trial(lease, 2, SearchSpace().candidate([1.0] * 18))
    assert campaign.next_trial() is None
    for work in works:
        assert work is not None
        campaign.complete(work, Rewarded(0.2, {}))
    assert campaign.over
    assert store.reads.get_campaign(campaign_id).trials_finished == 2


def test_retries_can_be_changed_while_the_campaign_runs(store: Store) -> None:
    newest = store.service.create_campaign(synthetic_spec(trials=2))
    campaign = Campaign(store, store.runner.claim(newest.id, "runner", 1e6), newest=lambda: newest.spec)
    first = campaign.next_trial()
    assert first is not None
    campaign.complete(first, Rewarded(0.2, {}))
    newest = store.service.update_campaign(newest.id, {"retries": 0})
    second = campaign.next_trial()
    assert second is not None
    campaign.complete(second, Failed("retry", "no luck"))
    detail = store.reads.get_trial(newest.id, second.number)
    assert (detail.trial.state, len(detail.attempts)) == ("failed", 1)


def test_device_time_counts_every_device_of_a_trial(store: Store, clock: Clock) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec(trials=1, resources={"gpus": 4})).id
    campaign = Campaign(store, store.runner.claim(campaign_id, "runner", 1e6))
    work = campaign.next_trial()
    assert work is not None
    clock.advance(30)  # it waits for a worker
    campaign.begun(work, 0.0)
    clock.advance(10)
    campaign.complete(work, Rewarded(0.2, {}))
    assert store.reads.get_campaign(campaign_id).device_seconds == pytest.approx(40)
