"""The provenance of an exported architecture: its campaign and trial."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def provenance_of(
    campaign: Mapping[str, Any], trial: Mapping[str, Any], versions: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The provenance from the documents of the campaign and the trial in the service's responses.

    `versions` are those of the software that ran the trial, where the record has them.
    """
    spec, data = campaign["spec"], campaign["data"]
    return {
        "campaign": {"id": campaign["id"], "name": campaign["name"]},
        "trial": trial["number"],
        "reward": trial["reward"],
        "baseline_reward": campaign["baseline_reward"],
        "is_confirmed": (campaign["finals"] or {}).get("winner") == trial["number"],
        "betas": trial["betas"],
        "budget_madds": round(trial["madds"] / trial["madds_ratio"]),
        "seed": spec["seed"],
        "dataset": spec["dataset"],
        "data": None if data is None else {name: value for name, value in data.items() if name != "classes"},
        "search_space": spec["search_space"],
        "proxy_task": spec["proxy_task"],
        "finished_at": trial["finished_at"],
        "versions": dict(versions or {}),
    }
