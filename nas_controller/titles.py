"""The words for identifiers of the API, for people: on pages, in the terminal and in reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nas_controller.states import StopReason
from search_space.display import counted, duration

ERROR_TITLES = {
    "data": "Data set cannot be used",
    "data-away": "Data set not reachable",
    "data-changed": "Data set has changed",
    "unreadable-image": "Image cannot be read",
    "empty-split": "No training images or boxes",
    "empty-reserved-set": "No images or boxes to score on",
    "image-cache": "Image cache cannot be read",
    "no-ap": "No AP could be measured",
    "non-finite-loss": "Training diverged",
    "shared-training-diverged": "Training of the shared weights diverged",
    "shared-weights-changed": "Shared weights have changed",
    "out-of-memory": "Out of memory",
    "worker-killed": "Worker process died",
    "worker-silent": "Worker stopped responding",
    "timed-out": "Time limit exceeded",
    "disk-full": "Disk full",
    "model-not-written": "Model file could not be written",
    "invalid-value": "Invalid setting",
    "invalid-reward": "Reward outside 0 to 1",
    "runner-failed": "Campaign process keeps failing",
    "too-many-failures": "Too many failed trials",
    "unexpected": "Unexpected error",
}
"""By `error_kind`."""

_LIMITS = {
    "wall_seconds": "time limit",
    "device_hours": "device-time limit",
    "target_reward": "target AP",
}
STOP_REASON_TITLES = {
    **{reason: f"{limit} reached" for reason, limit in _LIMITS.items()},
    "no_improvement_trials": "no improvement",
    "exhausted": "no new architectures left",
}
"""By `stopped_because`."""


def error_title(kind: str) -> str:
    """The words for a kind of error; of a kind that this version does not know, its identifier."""
    return ERROR_TITLES.get(kind, kind)


def stop_reason_title(reason: StopReason, stop: Mapping[str, Any] | None = None) -> str:
    """Why a search ended, with the number of trials where `stop` of the specification has it. static/titles.js has the
    same rule.
    """
    trials = (stop or {}).get(reason) if reason == "no_improvement_trials" else None
    title = STOP_REASON_TITLES[reason]
    return title if trials is None else f"{title} for {counted(trials, 'trial')}"


def stop_condition(reason: StopReason, value: float) -> str:
    """A condition of `stop` in the specification with its value: `time limit 1 h 00 min`."""
    if reason == "no_improvement_trials":
        return stop_reason_title(reason, {reason: value})
    seconds = {"wall_seconds": value, "device_hours": 3600 * value}.get(reason)
    return f"{_LIMITS[reason]} {f'{value:g}' if seconds is None else duration(seconds)}"
