"""Estimates of the training of shared weights, from those of earlier campaigns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nas_controller.campaigns.campaign import Campaign
from nas_controller.campaigns.estimate import estimate
from nas_controller.entities import SharedTrainingEstimateDocument
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.search.outcomes import Rewarded, SharedWeights
from nas_controller.store import Store
from search_space.weights_files import shared_weights_dir
from tests.support.synthetic_campaigns import Clock, synthetic_spec

TASK = {
    "profile": "smoke", "kind": "shared", "shared_steps": 20, "steps": 0, "warmup_steps": 0, "recalibration_images": 16,
}  # fmt: skip
WEIGHTS = SharedWeights("1" * 64, "2" * 64, content=b"weights")


def planned(**changes: Any) -> CampaignSpec:
    return synthetic_spec(**{"trials": 30, "parallelism": 2, "dataset": "cars", "proxy_task": TASK, **changes})


def train(
    store: Store, clock: Clock, seconds: float, *, is_reused: bool = False, devices: float | None = 2.0, **changes: Any
) -> None:
    """A campaign whose shared weights take so many seconds, and its one trial a minute."""
    lease = store.runner.claim(store.service.create_campaign(planned(trials=1, **changes)).id, "runner", 1e6)
    store.runner.start_shared_training(lease, 20, devices)
    store.runner.record_shared_begin(lease, 0.0)
    clock.advance(seconds)
    store.runner.complete_shared_training(lease, replace(WEIGHTS, is_reused=is_reused))
    campaign = Campaign(store, lease)
    work = campaign.next_trial()
    assert work is not None
    campaign.begun(work, 0.0)
    clock.advance(60)
    campaign.complete(work, Rewarded(0.2, {}))


def shared_of(store: Store, data_dir: Path, **changes: Any) -> SharedTrainingEstimateDocument:
    found = estimate(store, planned(**changes), data_dir).shared_training
    assert found is not None
    return found


def test_a_task_of_another_kind_has_none(store: Store, tmp_path: Path) -> None:
    assert estimate(store, planned(proxy_task={"profile": "smoke"}), tmp_path).shared_training is None


@pytest.mark.parametrize("other", [{"proxy_task": {**TASK, "shared_steps": 40}}, {"search_space": {"choices": [1, 2]}}])
def test_nothing_is_known_without_trainings_of_the_task_and_the_space(
    store: Store, clock: Clock, tmp_path: Path, other: dict[str, Any]
) -> None:
    train(store, clock, 200, **other)
    found = shared_of(store, tmp_path)
    assert (found.basis, found.wall_seconds, found.device_hours) == ("nothing", None, None)


def test_it_is_the_median_of_trainings_with_the_same_workers_on_any_data_with_any_seed(
    store: Store, clock: Clock, tmp_path: Path
) -> None:
    train(store, clock, 200, dataset="digits")
    train(store, clock, 300, proxy_task={**TASK, "shared_seed": 7})
    train(store, clock, 900, parallelism=1)
    train(store, clock, 3, is_reused=True)
    found = shared_of(store, tmp_path)
    assert (found.basis, found.measured_trainings, found.wall_seconds) == ("same-workers", 2, 250)
    assert found.device_hours == pytest.approx(2 * 250 / 3600, abs=1e-6)
    assert shared_of(store, tmp_path, parallelism=4).basis == "same-task"
    assert shared_of(store, tmp_path, parallelism=4).wall_seconds == 300


def test_its_devices_are_those_of_the_newest_training_with_the_same_workers(
    store: Store, clock: Clock, tmp_path: Path
) -> None:
    train(store, clock, 100, devices=1.0)
    train(store, clock, 300, parallelism=4, devices=4.0)
    assert shared_of(store, tmp_path).device_hours == pytest.approx(100 / 3600, abs=1e-6)


@pytest.mark.parametrize(
    ("supervisors", "devices"), [([], 4), ([None], 1), ([None, None], 1), ([16], 4), ([None, 16], 4)]
)
def test_without_such_a_training_a_cluster_counts_the_devices_of_one_trial(
    store: Store, clock: Clock, tmp_path: Path, supervisors: list[int | None], devices: int
) -> None:
    train(store, clock, 200)
    store.runner.record_heartbeat("s-0", "before", 1, "0", processors=2)
    clock.advance(3600)  # that one is not alive
    for index, processors in enumerate(supervisors, 1):
        store.runner.record_heartbeat(f"s-{index}", "now", 1, "0", processors=processors)
    found = shared_of(store, tmp_path, parallelism=4)
    assert (found.basis, found.wall_seconds) == ("same-task", 200)
    assert found.device_hours == pytest.approx(devices * 200 / 3600, abs=1e-6)


def test_weights_that_are_kept_are_only_read(store: Store, clock: Clock, tmp_path: Path) -> None:
    train(store, clock, 200)
    WEIGHTS.write_to(shared_weights_dir(tmp_path / "cache"))
    assert (shared_of(store, tmp_path).basis, shared_of(store, tmp_path).wall_seconds) == ("kept", 0)
    train(store, clock, 3, is_reused=True)
    assert (shared_of(store, tmp_path).measured_trainings, shared_of(store, tmp_path).wall_seconds) == (1, 3)
    for other in ({"dataset": "digits"}, {"proxy_task": {**TASK, "shared_seed": 7}}):
        assert shared_of(store, tmp_path, **other).wall_seconds == 200


def test_stop_conditions_count_it(store: Store, clock: Clock, tmp_path: Path) -> None:
    train(store, clock, 200)
    whole = estimate(store, planned(), tmp_path)
    assert whole.wall_seconds == 15 * 60
    bounded = estimate(store, planned(stop={"wall_seconds": 500}), tmp_path)
    assert (bounded.wall_seconds, bounded.bounded_by) == (300, "wall_seconds")
    hours = estimate(store, planned(stop={"device_hours": (2 * 200 + 600) / 3600}), tmp_path)
    assert (hours.device_hours, hours.bounded_by) == (pytest.approx(600 / 3600, abs=1e-6), "device_hours")
    none_left = estimate(store, planned(stop={"wall_seconds": 100}), tmp_path)
    assert (none_left.wall_seconds, none_left.bounded_by) == (0, "wall_seconds")
