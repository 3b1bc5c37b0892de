"""Where an exported architecture comes from."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any


def provenance_of(campaign: Mapping[str, Any], trial: Mapping[str, Any]) -> dict[str, Any]:
    """What a file says about the trial that it was made from; both arguments as the service shows them."""
    spec = campaign["spec"]
    return {
        "campaign": {"id": campaign["id"], "name": campaign["name"]},
        "trial": trial["number"],
        "reward": trial["reward"],
        "baseline_reward": campaign["baseline_reward"],
        "betas": trial["betas"],
        "seed": spec["seed"],
        "dataset": spec["dataset"],
        "search_space": spec["search_space"],
        "proxy_task": spec["proxy_task"],
        "finished_at": trial["finished_at"],
        "versions": {"effspine": version("effspine")},
    }
