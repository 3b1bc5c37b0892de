"""Estimates from the durations of earlier trials."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from nas_controller.campaigns.campaign import Campaign
from nas_controller.campaigns.estimate import estimate
from nas_controller.campaigns.finals import Finals
from nas_controller.entities import EstimateDocument
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.search.outcomes import Rewarded, TrialWork
from nas_controller.store import Store, models
from tests.support.synthetic_campaigns import Clock, synthetic_spec

SMOKE = {"profile": "smoke"}


def estimated_of(store: Store, spec: CampaignSpec) -> EstimateDocument:
    return estimate(store, spec, Path("/nowhere"))


def complete_campaign(store: Store, clock: Clock, seconds: list[float], **changes: object) -> None:
    """Completes the trials of a campaign, each after its seconds."""
    spec = planned(trials=len(seconds), **changes)
    campaign = Campaign(store, store.runner.claim(store.service.create_campaign(spec).id, "runner", 1e6))
    for duration in seconds:
        work = campaign.next_trial()
        assert work is not None
        campaign.begun(work, 0.0)
        clock.advance(duration)
        campaign.complete(work, Rewarded(0.2, {}))


def planned(**changes: object) -> CampaignSpec:
    """The campaign to estimate."""
    return synthetic_spec(**{"trials": 30, "dataset": "digits", "proxy_task": SMOKE, **changes})


def test_the_estimate_is_empty_without_trials_of_the_task(store: Store, clock: Clock) -> None:
    complete_campaign(store, clock, [10, 10])
    estimated = estimated_of(store, planned(proxy_task={**SMOKE, "steps": 7}))
    assert (estimated.basis, estimated.seconds_per_trial, estimated.wall_seconds, estimated.device_hours) == (
        "nothing",
        None,
        None,
        None,
    )


def test_the_estimate_is_the_median_of_trials_with_the_same_workers(store: Store, clock: Clock) -> None:
    complete_campaign(store, clock, [60, 70, 90])
    complete_campaign(store, clock, [1, 1, 1, 1, 1], parallelism=2)
    estimated = estimated_of(store, planned())
    assert (estimated.basis, estimated.measured_trials, estimated.seconds_per_trial) == ("same-workers", 3, 70)
    assert estimated.wall_seconds == 30 * (70 + 90) / 2  # the intervals between the ends
    assert estimated.device_hours == pytest.approx(30 * 70 / 3600, abs=1e-6)


@pytest.mark.parametrize("change", [{"stopped_early_step": 5}, {"attempts": 2}])
def test_only_whole_trainings_say_how_long_one_takes(store: Store, clock: Clock, change: dict[str, int]) -> None:
    complete_campaign(store, clock, [60, 5, 70, 5, 90])
    campaign_id = store.reads.list_campaigns().items[0].id
    with store._database.writing() as session:
        for number in (1, 3):
            trial = session.get_one(models.Trial, (campaign_id, number))
            for name, value in change.items():
                setattr(trial, name, value)
    estimated = estimated_of(store, planned())
    assert (estimated.basis, estimated.measured_trials, estimated.seconds_per_trial) == ("same-workers", 3, 70)
    intervals = 30 * (5 + 70 + 5 + 90) / 4
    assert estimated.wall_seconds == (intervals if "attempts" in change else 30 * 70)  # it stops no trial early
    assert estimated_of(store, planned(parallelism=2)).seconds_per_trial == 70


def test_a_search_that_stops_trials_early_costs_what_its_trials_take_on_average(store: Store, clock: Clock) -> None:
    early = {"early_stopping": {}, "proxy_task": {**SMOKE, "evaluate_steps": 2}}
    complete_campaign(store, clock, [100, 10, 100, 10, 100], **early)
    campaign_id = store.reads.list_campaigns().items[0].id
    with store._database.writing() as session:
        for number in (1, 3):
            session.get_one(models.Trial, (campaign_id, number)).stopped_early_step = 5
    estimated = estimated_of(store, planned(**early))
    assert estimated.seconds_per_trial == 100
    assert estimated.wall_seconds == 30 * (10 + 100 + 10 + 100) / 4
    assert estimated.device_hours == pytest.approx(30 * 64 / 3600, abs=1e-6)
    assert estimated_of(store, planned(parallelism=3, **early)).wall_seconds == 10 * 64


def test_trials_that_all_had_a_second_attempt_are_better_than_nothing(store: Store, clock: Clock) -> None:
    complete_campaign(store, clock, [60, 70, 90])
    with store._database.writing() as session:
        for trial in session.scalars(select(models.Trial)):
            trial.attempts = 2
    estimated = estimated_of(store, planned())
    assert (estimated.basis, estimated.seconds_per_trial) == ("same-workers", 70)
    assert estimated.wall_seconds == 30 * (70 + 90) / 2


def test_the_estimate_with_other_workers_has_another_basis_and_counts_their_devices(store: Store, clock: Clock) -> None:
    complete_campaign(store, clock, [60, 80])
    estimated = estimated_of(store, planned(parallelism=4, resources={"gpus": 2}))
    assert (estimated.basis, estimated.seconds_per_trial, estimated.wall_seconds) == ("same-task", 70, 8 * 70)
    assert estimated.device_hours == pytest.approx(2 * 30 * 70 / 3600, abs=1e-6)


def test_trials_that_wait_for_a_worker_take_longer_and_cost_no_more(store: Store, clock: Clock) -> None:
    spec = synthetic_spec(trials=10, dataset="digits", proxy_task=SMOKE, parallelism=8)
    campaign = Campaign(store, store.runner.claim(store.service.create_campaign(spec).id, "runner", 1e6))
    handed_out: list[TrialWork] = []
    while not campaign.over:
        while len(handed_out) < 8 and (work := campaign.next_trial()) is not None:
            handed_out.append(work)
        in_training, handed_out = handed_out[:2], handed_out[2:]
        for work in in_training:
            campaign.begun(work, 0.0)
        clock.advance(2)
        for work in in_training:
            campaign.complete(work, Rewarded(0.2, {}))
    assert store.reads.get_campaign(campaign.record.id).device_seconds == 10 * 2
    estimated = estimated_of(store, planned(trials=90, parallelism=8))
    assert (estimated.basis, estimated.seconds_per_trial) == ("same-workers", 2)
    assert estimated.wall_seconds == pytest.approx(90 * 8 / 9, abs=1e-3)
    assert estimated.device_hours == pytest.approx(180 / 3600)


def test_no_more_trials_at_once_are_assumed_than_can_run(store: Store, clock: Clock) -> None:
    issue = synthetic_spec(trials=120, parallelism=8, proxy_task={"profile": "synthetic", "seconds": 2})

    def wall(spec: CampaignSpec) -> tuple[int | None, float | None]:
        found = estimated_of(store, spec)
        return found.at_once, found.wall_seconds

    assert wall(issue) == (8, 30)  # without a supervisor, nothing is known of its machine
    store.runner.record_heartbeat("s-1", "here", 1, "0", processors=2)
    assert wall(issue) == (2, 120)
    assert wall(issue.model_copy(update={"parallelism": 1})) == (1, 240)
    assert wall(synthetic_spec(**{**issue.model_dump(), "resources": {"cpus": 2}})) == (1, 240)
    assert wall(synthetic_spec(**{**issue.model_dump(), "resources": {"cpus": 3}})) == (1, 240)
    finals = estimated_of(
        store, synthetic_spec(**{**issue.model_dump(), "finals": {"top": 3, "seeds": 2, "seconds": 5}})
    ).finals
    assert finals is not None
    assert (finals.at_once, finals.wall_seconds) == (2, 8 / 2 * 5)
    complete_campaign(store, clock, [60, 60])
    store.runner.record_heartbeat("s-1", "here", 1, "0", processors=2)
    assert wall(planned(parallelism=8)) == (2, 30 / 2 * 60)  # of the same task with other workers
    store.runner.record_heartbeat("s-2", "there", 1, "0", processors=16, max_parallelism=5)
    assert wall(issue) == (5, 24 * 2)
    store.runner.record_heartbeat("s-3", "cluster", 1, "0")
    assert wall(issue) == (8, 30)
    clock.advance(3600)  # none of them is alive
    assert wall(issue.model_copy(update={"parallelism": 4})) == (4, 60)


def test_a_synthetic_campaign_is_estimated_from_the_throughput_of_one_with_the_same_workers(
    store: Store, clock: Clock
) -> None:
    settings = {"parallelism": 8, "proxy_task": {"profile": "synthetic", "seconds": 2}}
    store.runner.record_heartbeat("s-1", "here", 1, "0", processors=2)
    spec = synthetic_spec(trials=9, **settings)
    campaign = Campaign(store, store.runner.claim(store.service.create_campaign(spec).id, "runner", 1e6))
    handed_out: list[TrialWork] = []
    while not campaign.over:
        while (work := campaign.next_trial()) is not None:
            handed_out.append(work)
        in_training, handed_out = handed_out[:2], handed_out[2:]
        for work in in_training:
            campaign.begun(work, 0.0)
        clock.advance(2.5)  # each worker is busy for half a second before the next trial
        for work in in_training:
            campaign.complete(work, Rewarded(0.2, {}, seconds=2.0))
    estimated = estimated_of(store, synthetic_spec(trials=120, **settings))
    assert (estimated.basis, estimated.measured_trials, estimated.seconds_per_trial) == ("same-workers", 9, 2)
    assert (estimated.at_once, estimated.wall_seconds) == (None, 120 * 10 / 8)
    assert estimated.device_hours == pytest.approx(240 / 3600, abs=1e-6)
    fewer = estimated_of(store, synthetic_spec(trials=120, **{**settings, "parallelism": 2}))
    assert (fewer.basis, fewer.at_once, fewer.wall_seconds) == ("profile", 2, 120)


def test_a_stop_condition_bounds_it(store: Store, clock: Clock) -> None:
    complete_campaign(store, clock, [60])
    estimated = estimated_of(store, planned(stop={"device_hours": 0.25, "wall_seconds": 100_000}))
    assert (estimated.bounded_by, estimated.device_hours, estimated.wall_seconds) == ("device_hours", 0.25, 900)


def test_finals_are_estimated_on_top_from_those_of_the_same_task(store: Store, clock: Clock) -> None:
    finals = {"top": 1, "seeds": 2, "steps": 9}
    assert estimated_of(store, planned()).finals is None
    spec = synthetic_spec(trials=2, dataset="digits", proxy_task=SMOKE, finals=finals)
    campaign = Campaign(store, store.runner.claim(store.service.create_campaign(spec).id, "runner", 1e6))
    while not campaign.over:
        work = campaign.next_trial()
        assert work is not None
        campaign.begun(work, 0.0)
        clock.advance(10)
        campaign.complete(work, Rewarded(0.2, {}))
    unknown = estimated_of(store, planned(finals=finals)).finals
    assert unknown is not None
    assert (unknown.trainings, unknown.basis, unknown.wall_seconds, unknown.device_hours) == (4, "nothing", None, None)

    source = Finals(store, campaign._lease, campaign, lambda failure: False)
    for seconds in (30, 50, 70, 90):
        work = source.next_trial()
        assert work is not None
        source.begun(work, 0.0)
        clock.advance(seconds)
        source.complete(work, Rewarded(0.2, {}))
    estimated = estimated_of(store, planned(trials=6, finals={**finals, "top": 3}, stop={"wall_seconds": 20}))
    assert (estimated.wall_seconds, estimated.bounded_by) == (20, "wall_seconds")
    assert estimated.finals is not None
    assert (estimated.finals.trainings, estimated.finals.basis, estimated.finals.measured_trainings) == (
        8, "same-workers", 4,
    )  # fmt: skip
    assert (estimated.finals.seconds_per_training, estimated.finals.wall_seconds) == (60, 8 * (50 + 70 + 90) / 3)
    assert estimated.finals.device_hours == pytest.approx(480 / 3600, abs=1e-6)
    others = estimated_of(store, planned(finals={**finals, "steps": 8})).finals
    assert others is not None
    assert others.basis == "nothing"


def test_synthetic_finals_take_the_seconds_of_their_profile(store: Store) -> None:
    spec = synthetic_spec(trials=3, parallelism=2, finals={"top": 2, "seeds": 1, "seconds": 5})
    estimated = estimated_of(store, spec).finals
    assert estimated is not None
    assert (estimated.basis, estimated.seconds_per_training, estimated.wall_seconds) == ("profile", 5, 10)


def test_trials_whose_latency_is_measured_are_estimated_from_such_trials(store: Store, clock: Clock) -> None:
    complete_campaign(store, clock, [60, 70])
    assert estimated_of(store, planned(latency={})).basis == "nothing"
    complete_campaign(store, clock, [65, 75], latency={})
    assert estimated_of(store, planned(latency={})).seconds_per_trial == 70
    assert estimated_of(store, planned()).seconds_per_trial == 65
    synthetic = {"profile": "synthetic", "seconds": 1}
    assert estimated_of(store, planned(proxy_task=synthetic)).basis == "profile"
    assert estimated_of(store, planned(proxy_task=synthetic, latency={})).basis == "nothing"
