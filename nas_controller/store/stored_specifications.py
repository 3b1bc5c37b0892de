"""Reads specifications as earlier versions stored them. Stored documents never change: events have their digests."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.search.proxy_task_spec import DEFAULT_PROFILE
from search_space.proxy_task import PROFILES

SPEC_VERSION = 3
"""The version of the documents that are stored now. To be raised when a field is renamed or a profile changes."""

_RENAMED_IN_1 = {
    "start_steps": "shared_steps",
    "start_learning_rate": "shared_learning_rate",
    "start_seed": "shared_seed",
}
_RECALIBRATION_IMAGES_BEFORE_2 = 256
_LAPTOP_NETWORK_BEFORE_3 = {"image_px": 128, "width_multiplier": 0.3, "width_divisor": 2, "subnet_width": 24}
_PROFILES_BEFORE_3: dict[str, dict[str, Any]] = {
    "laptop": _LAPTOP_NETWORK_BEFORE_3
    | {"steps": 250, "learning_rate": 0.02, "warmup_steps": 20, "ema_decay": 0.98, "reserved_images": 2000}
    | {"shared_steps": 900, "shared_learning_rate": 0.04, "shared_ema_decay": 0.0, "recalibration_images": 256},
    "laptop-alone": _LAPTOP_NETWORK_BEFORE_3 | {"steps": 3000},
}
"""The values of fields that the profiles have changed since."""
_CONTROLLER_BEFORE_3 = {
    "algorithm": "reinforce", "repeats": "count", "policy": "recurrent", "entropy_bonus": 0.05,
    "baseline_decay": 0.95, "importance_clip": 2.0, "hidden_units": 32,
}  # fmt: skip
_LEARNING_RATES_BEFORE_3 = {"recurrent": 0.003, "factorised": 0.07}


def read_specification(document: dict[str, Any], version: int) -> CampaignSpec:
    """The specification in a stored document of a version."""
    return _parsed(json.dumps(document), version)


@lru_cache(maxsize=1_024)
def _parsed(text: str, version: int) -> CampaignSpec:
    """Caches by text: parsing builds the search space, which takes 10 ms, too long for each campaign of a list.
    Specifications are frozen, so callers may share one.
    """
    document = json.loads(text)
    if version < 1:
        document["proxy_task"] = _task_since_1(document.get("proxy_task", {}))
    if version < 3:
        document["proxy_task"] = _task_since_3(document.get("proxy_task", {}))
        document["controller"] = _controller_since_3(document.get("controller", {}))
    if version < 2:
        document["proxy_task"] = _task_since_2(document["proxy_task"])
    return CampaignSpec.model_validate(document)


def _task_since_1(task: dict[str, Any]) -> dict[str, Any]:
    """Shared weights had no kind of their own before: any task with steps for them had them."""
    since_1 = {_RENAMED_IN_1.get(name, name): value for name, value in task.items()}
    if "shared_steps" in since_1 and task.get("profile") != "synthetic":
        since_1["kind"] = "shared" if since_1["shared_steps"] else "detection"
    return since_1


def _task_since_3(task: dict[str, Any]) -> dict[str, Any]:
    """The profiles `laptop` and `laptop-alone` had other values before."""
    return _PROFILES_BEFORE_3.get(task.get("profile", DEFAULT_PROFILE), {}) | task


def _task_since_2(task: dict[str, Any]) -> dict[str, Any]:
    """Only slices without steps of their own were recalibrated before, by default on 256 images."""
    profile = PROFILES[task.get("profile", DEFAULT_PROFILE)]
    kind, steps = task.get("kind", profile.kind), task.get("steps", profile.steps)
    images = 0
    if kind == "shared" and not steps:
        images = task.get("recalibration_images", _RECALIBRATION_IMAGES_BEFORE_2)
    if images == task.get("recalibration_images", profile.recalibration_images):
        return task
    return task | {"recalibration_images": images}


def _controller_since_3(controller: dict[str, Any]) -> dict[str, Any]:
    """REINFORCE was the only algorithm before, every repeat was a trial, and the defaults were others."""
    since_3: dict[str, Any] = _CONTROLLER_BEFORE_3 | controller
    return since_3 | {"learning_rate": since_3.get("learning_rate") or _LEARNING_RATES_BEFORE_3[since_3["policy"]]}
