"""Reads specifications as earlier versions stored them. Stored documents never change: events have their digests."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from nas_controller.search.campaign_spec import CampaignSpec

SPEC_VERSION = 1
"""The version of the documents that are stored now. To be raised when a field is renamed or a profile changes."""

_RENAMED_IN_1 = {
    "start_steps": "shared_steps",
    "start_learning_rate": "shared_learning_rate",
    "start_seed": "shared_seed",
}


def read_specification(document: dict[str, Any], version: int) -> CampaignSpec:
    """The specification in a stored document of a version."""
    return _parsed(json.dumps(document), version)


@lru_cache(maxsize=1_024)
def _parsed(text: str, version: int) -> CampaignSpec:
    """Caches by text: parsing builds the search space, which takes 10 ms, too long for each campaign of a list.
    Specifications are frozen, so callers may share one.
    """
    document = json.loads(text)
    if version < 1 and "proxy_task" in document:
        document["proxy_task"] = _task_since_1(document["proxy_task"])
    return CampaignSpec.model_validate(document)


def _task_since_1(task: dict[str, Any]) -> dict[str, Any]:
    """Shared weights had no kind of their own before: any task with steps for them had them."""
    since_1 = {_RENAMED_IN_1.get(name, name): value for name, value in task.items()}
    if "shared_steps" in since_1 and task.get("profile") != "synthetic":
        since_1["kind"] = "shared" if since_1["shared_steps"] else "detection"
    return since_1
