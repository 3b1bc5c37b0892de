"""Specifications that earlier versions stored are read as they were meant."""

from __future__ import annotations

from typing import Any

import pytest

from nas_controller.store import Store
from nas_controller.store.stored_specifications import SPEC_VERSION, read_specification
from search_space.proxy_task import ProxyTask, resolve
from tests.support.synthetic_campaigns import synthetic_spec

NETWORK_BEFORE = {"image_px": 128, "width_multiplier": 0.3, "width_divisor": 2, "subnet_width": 24}
LAPTOP_BEFORE = NETWORK_BEFORE | {
    "kind": "shared", "steps": 250, "learning_rate": 0.02, "warmup_steps": 20, "ema_decay": 0.98, "shared_steps": 900,
    "shared_learning_rate": 0.04, "shared_ema_decay": 0.0, "reserved_images": 2000, "recalibration_images": 0,
}  # fmt: skip
ALONE_BEFORE = NETWORK_BEFORE | {"steps": 3000, "recalibration_images": 0}

SLICES = {"steps": 0, "warmup_steps": 0, "recalibration_images": 256}


def task_of(task: dict[str, Any] | None, version: int) -> ProxyTask:
    document = {"name": "n", "dataset": "digits"} | ({} if task is None else {"proxy_task": task})
    return read_specification(document, version).proxy_task.resolve()


@pytest.mark.parametrize(
    ("stored", "profile", "overrides"),
    [
        ({"profile": "laptop"}, "laptop", LAPTOP_BEFORE),
        ({}, "laptop", LAPTOP_BEFORE),
        ({"profile": "laptop", "steps": 300}, "laptop", LAPTOP_BEFORE | {"steps": 300}),
        (
            {"profile": "laptop", "start_steps": 50, "start_learning_rate": 0.5, "start_seed": 3},
            "laptop",
            LAPTOP_BEFORE | {"shared_steps": 50, "shared_learning_rate": 0.5, "shared_seed": 3},
        ),
        ({"profile": "laptop", "start_steps": 0}, "laptop", LAPTOP_BEFORE | {"shared_steps": 0, "kind": "detection"}),
        ({"profile": "smoke"}, "smoke", {}),
        ({"profile": "smoke", "start_steps": 7}, "smoke", {"kind": "shared", "shared_steps": 7}),
        ({"profile": "smoke", "start_steps": 0}, "smoke", {}),
        ({"profile": "synthetic", "seconds": 1.5}, "synthetic", {"seconds": 1.5}),
        ({"profile": "synthetic", "start_steps": 7}, "synthetic", {"shared_steps": 7}),
        ({"profile": "laptop-alone"}, "laptop-alone", ALONE_BEFORE),
        ({"profile": "laptop-alone", "recalibration_images": 64}, "laptop-alone", ALONE_BEFORE),
        ({"profile": "laptop", "steps": 0, "warmup_steps": 0}, "laptop", LAPTOP_BEFORE | SLICES),
        (
            {"profile": "laptop", "steps": 0, "warmup_steps": 0, "recalibration_images": 64},
            "laptop",
            LAPTOP_BEFORE | SLICES | {"recalibration_images": 64},
        ),
    ],
)
@pytest.mark.parametrize("version", [0, 1])
def test_a_proxy_task_of_an_earlier_version_trains_as_it_did(
    stored: dict[str, Any], profile: str, overrides: dict[str, Any], version: int
) -> None:
    since_1 = {name.replace("start_", "shared_"): value for name, value in stored.items()}
    if "shared_steps" in since_1 and profile != "synthetic":
        since_1["kind"] = resolve(profile, **overrides).kind
    assert task_of(stored if version == 0 else since_1, version) == resolve(profile, **overrides)


@pytest.mark.parametrize("version", [0, 1])
def test_a_document_of_an_earlier_version_without_a_task_has_that_of_the_profile_then(version: int) -> None:
    assert task_of(None, version) == resolve("laptop", **LAPTOP_BEFORE)


def test_a_proxy_task_of_version_2_trains_as_it_did() -> None:
    assert task_of({"profile": "laptop"}, 2) == resolve("laptop", **LAPTOP_BEFORE | {"recalibration_images": 256})
    assert task_of({"profile": "laptop-alone"}, 2) == resolve(
        "laptop-alone", **ALONE_BEFORE | {"recalibration_images": 512}
    )
    assert task_of({"profile": "laptop", "steps": 7, "warmup_steps": 3}, 2).steps == 7


def test_a_document_of_this_version_is_read_as_it_is() -> None:
    assert task_of({"profile": "laptop"}, SPEC_VERSION) == task_of(None, SPEC_VERSION) == resolve("laptop")
    given = {"profile": "smoke", "kind": "shared", "shared_steps": 7}
    spec = read_specification({"name": "n", "dataset": "d", "proxy_task": given}, SPEC_VERSION)
    assert spec.model_dump(mode="json")["proxy_task"] == given


def test_a_campaign_that_is_created_or_changed_now_has_this_version(store: Store) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec(dataset="digits", proxy_task={}), draft=True).id
    for profile in ("laptop", "laptop-alone", "laptop"):
        store.service.update_campaign(campaign_id, {"proxy_task": {"profile": profile}})
        assert store.reads.get_campaign(campaign_id).spec.proxy_task.resolve() == resolve(profile)


def controller_of(controller: dict[str, Any] | None, version: int) -> dict[str, Any]:
    document = {"name": "n", "dataset": "digits"} | ({} if controller is None else {"controller": controller})
    stored = read_specification(document, version).controller.model_dump(mode="json")
    return {name: value for name, value in stored.items() if value is not None}


@pytest.mark.parametrize("version", [0, 1, 2])
@pytest.mark.parametrize(
    ("stored", "changes"),
    [
        (None, {}),
        ({}, {}),
        ({"policy": "factorised", "learning_rate": None}, {"policy": "factorised", "learning_rate": 0.07}),
        ({"learning_rate": 0.5, "entropy_bonus": 0.0}, {"learning_rate": 0.5, "entropy_bonus": 0.0}),
    ],
)
def test_a_controller_of_an_earlier_version_is_reinforce_and_its_repeats_are_trials(
    stored: dict[str, Any] | None, changes: dict[str, Any], version: int
) -> None:
    assert controller_of(stored, version) == {
        "algorithm": "reinforce", "repeats": "count", "policy": "recurrent", "learning_rate": 0.003,
        "entropy_bonus": 0.05, "baseline_decay": 0.95, "importance_clip": 2.0, "hidden_units": 32,
    } | changes  # fmt: skip


def test_a_controller_of_this_version_is_read_as_it_is() -> None:
    assert controller_of({"algorithm": "random"}, SPEC_VERSION) == {"algorithm": "random", "repeats": "free"}
