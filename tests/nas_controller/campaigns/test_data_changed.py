"""A campaign keeps the identity of the data of its first outcome, and accepts no outcome of other data."""

from __future__ import annotations

import pytest

from nas_controller.campaigns.campaign import Campaign
from nas_controller.campaigns.replay import verify
from nas_controller.search.outcomes import Failed, Rewarded, TrialWork
from nas_controller.store import ConflictError, Store
from tests.support.data_identities import data_identity
from tests.support.synthetic_campaigns import claimed_campaign, create
from tests.support.trials import kinds

DATA = data_identity()
EDITED = data_identity(reserved_annotations_sha256="e" * 64, reserved_boxes=23)


def work_of(campaign: Campaign) -> TrialWork:
    work = campaign.next_trial()
    assert work is not None
    return work


def test_the_first_outcome_identifies_the_data_and_every_attempt_states_what_it_has_read(store: Store) -> None:
    campaign_id = create(store, trials=3)
    campaign = claimed_campaign(store, campaign_id)
    assert store.reads.get_campaign(campaign_id).data is None
    first = work_of(campaign)
    assert first.data_sha256 is None
    campaign.complete(first, Rewarded(0.5, {"ap": 0.5}, DATA))
    assert store.reads.get_campaign(campaign_id).data == DATA
    second = work_of(campaign)
    assert second.data_sha256 == DATA["sha256"]
    campaign.complete(second, Failed("retry", "the worker died", "worker-killed", data=DATA))
    campaign.complete(work_of(campaign), Rewarded(0.25, {"ap": 0.25}, DATA))

    attempts = store.reads.get_trial(campaign_id, second.number).attempts
    assert [attempt.data_sha256 for attempt in attempts] == [DATA["sha256"]] * 2
    events = store.reads.events_after(campaign_id, 0, 100)
    (identified,) = (event for event in events if event.kind == "campaign.identified")
    assert identified.data == DATA
    completed = [event for event in events if event.kind == "trial.completed"]
    assert identified.sequence == completed[0].sequence - 1
    assert [event.data["data_sha256"] for event in completed] == [DATA["sha256"]] * 2
    (failed,) = (event for event in events if event.kind == "attempt.failed")
    assert failed.data["data_sha256"] == DATA["sha256"]
    verify(store, campaign_id)


def test_a_synthetic_campaign_has_no_data(store: Store) -> None:
    campaign_id = create(store, trials=1)
    campaign = claimed_campaign(store, campaign_id)
    campaign.complete(work_of(campaign), Rewarded(0.5, {"ap": 0.5}))
    assert store.reads.get_campaign(campaign_id).data is None
    assert "campaign.identified" not in kinds(store, campaign_id)
    (completed,) = (e for e in store.reads.events_after(campaign_id, 0, 100) if e.kind == "trial.completed")
    assert "data_sha256" not in completed.data


def test_an_outcome_of_other_data_is_not_accepted_and_the_campaign_says_what_differs(store: Store) -> None:
    campaign_id = create(store, trials=5)
    campaign = claimed_campaign(store, campaign_id)
    campaign.complete(work_of(campaign), Rewarded(0.5, {"ap": 0.5}, DATA))

    resumed = claimed_campaign(store, campaign_id)
    work = work_of(resumed)
    assert work.data_sha256 == DATA["sha256"]
    resumed.begun(work, 0.0)
    resumed.complete(work, Rewarded(0.9, {"ap": 0.9}, EDITED, log_tail="a warning", seconds=7.0))
    assert resumed.over
    record = store.reads.get_campaign(campaign_id)
    assert record.device_seconds == 7.0
    assert store.reads.get_trial(campaign_id, work.number).attempts[-1].log_tail == "a warning"
    assert (record.state, record.error_kind, record.trials_finished) == ("failed", "data-changed", 1)
    assert record.data == DATA
    assert record.error == (
        "the data set has changed since the first trial; trial 1 has read other reserved annotations "
        "(23 reserved boxes instead of 24). Restore the data set and retry this campaign, or create a new campaign for "
        "the changed data"
    )
    detail = store.reads.get_trial(campaign_id, 1)
    assert (detail.trial.state, detail.trial.reward) == ("stopped", None)
    (attempt,) = detail.attempts
    assert (attempt.state, attempt.error_kind, attempt.data_sha256) == ("failed", "data-changed", EDITED["sha256"])
    assert store.reads.events_after(campaign_id, 0, 100)[-1].data["kind"] == "data-changed"
    verify(store, campaign_id)


@pytest.mark.parametrize(
    ("found", "differs"),
    [
        (data_identity(train_annotations_sha256="0" * 64), "has read other training annotations."),
        (data_identity(train_images_sha256="0" * 64), "has read other training images."),
        (data_identity(reserved_images_sha256="0" * 64, reserved_images=11), "(11 reserved images instead of 12)"),
        ({**DATA, "sha256": "0" * 64}, "has read other data. Restore"),
    ],
)
def test_the_error_names_each_half_that_differs(store: Store, found: dict[str, object], differs: str) -> None:
    campaign = claimed_campaign(store, create(store, trials=2))
    campaign.complete(work_of(campaign), Rewarded(0.5, {"ap": 0.5}, DATA))
    campaign.complete(work_of(campaign), Rewarded(0.5, {"ap": 0.5}, found))
    assert differs in (store.reads.get_campaign(campaign.record.id).error or "")


def test_of_two_first_attempts_on_different_data_only_one_counts(store: Store) -> None:
    campaign = claimed_campaign(store, create(store, trials=4, parallelism=2))
    first, second = work_of(campaign), work_of(campaign)
    assert second.data_sha256 is None
    campaign.complete(first, Rewarded(0.5, {"ap": 0.5}, DATA))
    campaign.complete(second, Rewarded(0.25, {"ap": 0.25}, EDITED))
    record = store.reads.get_campaign(campaign.record.id)
    assert (record.state, record.error_kind, record.trials_finished) == ("failed", "data-changed", 1)


def test_a_failure_on_other_data_fails_the_campaign_too(store: Store) -> None:
    campaign = claimed_campaign(store, create(store, trials=3))
    campaign.complete(work_of(campaign), Rewarded(0.5, {"ap": 0.5}, DATA))
    campaign.complete(work_of(campaign), Failed("give_up", "the loss is not finite", "non-finite-loss", "tail", EDITED))
    record = store.reads.get_campaign(campaign.record.id)
    assert (record.state, record.error_kind, record.trials_finished) == ("failed", "data-changed", 1)
    (attempt,) = store.reads.get_trial(record.id, 1).attempts
    assert attempt.log_tail == "tail"


def test_a_trial_that_was_given_up_identifies_the_data_as_well(store: Store) -> None:
    campaign = claimed_campaign(store, create(store, trials=4, parallelism=2))
    first, second = work_of(campaign), work_of(campaign)
    campaign.complete(second, Failed("give_up", "the loss is not finite", "non-finite-loss", data=DATA))
    assert store.reads.get_campaign(campaign.record.id).data == DATA
    campaign.complete(first, Rewarded(0.5, {"ap": 0.5}, EDITED))
    assert store.reads.get_campaign(campaign.record.id).error_kind == "data-changed"


def test_a_trial_stopped_early_has_the_data_that_its_worker_compared(store: Store) -> None:
    task = {"profile": "synthetic", "seconds": 10, "evaluate_steps": 5}
    campaign = claimed_campaign(
        store, create(store, trials=8, parallelism=2, proxy_task=task, early_stopping={"min_trials": 1})
    )
    baseline, unknown = work_of(campaign), work_of(campaign)
    campaign.progress(baseline, 5, 20, {}, 0.5)
    campaign.complete(baseline, Rewarded(0.5, {"ap": 0.5}, DATA))
    campaign.progress(unknown, 5, 20, {}, 0.1)
    assert not campaign.stop_early(unknown, 5, {}, 0.1, lambda: None)  # nobody has compared what it reads
    known = work_of(campaign)
    campaign.progress(known, 5, 20, {}, 0.1)
    assert campaign.stop_early(known, 5, {}, 0.1, lambda: None)
    (attempt,) = store.reads.get_trial(campaign.record.id, known.number).attempts
    assert (attempt.state, attempt.data_sha256) == ("accepted", DATA["sha256"])
    verify(store, campaign.record.id)


def test_the_store_refuses_a_reward_of_other_data(store: Store) -> None:
    campaign = claimed_campaign(store, create(store, trials=3))
    campaign.complete(work_of(campaign), Rewarded(0.5, {"ap": 0.5}, DATA))
    work = work_of(campaign)
    state = campaign._search.controller.state()
    with pytest.raises(ConflictError, match=EDITED["sha256"]):
        store.runner.accept_reward(campaign._lease, work.number, 1, 0.5, {}, state, data=EDITED)
    assert store.reads.get_trial_record(campaign.record.id, work.number).state == "running"


def test_a_campaign_that_never_stated_its_data_is_identified_by_its_next_outcome(store: Store) -> None:
    campaign = claimed_campaign(store, create(store, trials=3))
    campaign.complete(work_of(campaign), Rewarded(0.5, {"ap": 0.5}))  # of a version that stated none
    campaign.complete(work_of(campaign), Rewarded(0.25, {"ap": 0.25}, DATA))
    assert store.reads.get_campaign(campaign.record.id).data == DATA


def test_figures_have_digests_and_the_specification_too(store: Store) -> None:
    campaign_id = create(store, trials=3)
    campaign = claimed_campaign(store, campaign_id)
    campaign.complete(work_of(campaign), Rewarded(0.5, {"ap": 0.5, "nan": float("nan")}))
    store.service.update_campaign(campaign_id, {"trials": 4})
    events = {event.kind: event.data for event in store.reads.events_after(campaign_id, 0, 100)}
    # printf '{"ap":0.5}' | sha256sum
    expected = "239629c73987bafaa265d4ee89569cd289c598d6046e0e011df9489744a9f774"
    assert events["trial.completed"]["metrics_sha256"] == expected
    created, updated = events["campaign.created"]["spec_sha256"], events["campaign.updated"]["spec_sha256"]
    assert len(created) == len(updated) == 64
    assert created != updated
