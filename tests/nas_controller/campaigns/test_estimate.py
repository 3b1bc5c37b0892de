"""Estimates from the record."""

from __future__ import annotations

import pytest

from nas_controller.campaigns.campaign import Campaign
from nas_controller.campaigns.estimate import estimate
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.search.outcomes import Rewarded
from nas_controller.store import Store
from tests.support.synthetic_campaigns import Clock, synthetic_spec

SMOKE = {"profile": "smoke"}


def trained(store: Store, clock: Clock, seconds: list[float], **changes: object) -> None:
    """A campaign whose trials took so long."""
    spec = synthetic_spec(trials=len(seconds), dataset="digits", proxy_task=SMOKE, **changes)
    campaign = Campaign(store, store.runner.claim(store.service.create_campaign(spec).id, "runner", 1e6))
    for taken in seconds:
        work = campaign.next_trial()
        assert work is not None
        clock.advance(taken)
        campaign.complete(work, Rewarded(0.2, {}))


def asked(**changes: object) -> CampaignSpec:
    return synthetic_spec(**{"trials": 30, "dataset": "digits", "proxy_task": SMOKE, **changes})


def test_the_estimate_is_empty_without_trials_of_the_task(store: Store, clock: Clock) -> None:
    trained(store, clock, [10, 10])
    told = estimate(store, asked(proxy_task={**SMOKE, "steps": 7}))
    assert (told.basis, told.seconds_per_trial, told.wall_seconds, told.device_hours) == ("nothing", None, None, None)


def test_the_estimate_is_the_median_of_trials_with_the_same_workers(store: Store, clock: Clock) -> None:
    trained(store, clock, [60, 70, 500])
    trained(store, clock, [1, 1, 1, 1, 1], parallelism=2)
    told = estimate(store, asked())
    assert (told.basis, told.measured_trials, told.seconds_per_trial) == ("same-workers", 3, 70)
    assert told.wall_seconds == 30 * 70
    assert told.device_hours == pytest.approx(30 * 70 / 3600, abs=1e-6)


def test_the_estimate_with_other_workers_has_another_basis_and_counts_their_devices(store: Store, clock: Clock) -> None:
    trained(store, clock, [60, 80])
    told = estimate(store, asked(parallelism=4, resources={"gpus": 2}))
    assert (told.basis, told.seconds_per_trial, told.wall_seconds) == ("same-task", 70, 8 * 70)
    assert told.device_hours == pytest.approx(2 * 30 * 70 / 3600, abs=1e-6)


def test_a_stop_condition_bounds_it(store: Store, clock: Clock) -> None:
    trained(store, clock, [60])
    told = estimate(store, asked(stop={"device_hours": 0.25, "wall_seconds": 100_000}))
    assert (told.bounded_by, told.device_hours, told.wall_seconds) == ("device_hours", 0.25, 900)
