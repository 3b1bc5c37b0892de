"""Estimates the duration of a campaign before it starts, from that of similar trials in the database."""

from __future__ import annotations

from statistics import median
from typing import Any, Literal

from nas_controller.entities import EstimateDocument
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.states import EstimateBasis
from nas_controller.store import Store


def estimate(store: Store, spec: CampaignSpec) -> EstimateDocument:
    """Estimates a campaign. Raises StoreUnavailableError."""
    seconds, basis, measured = _seconds_per_trial(store, spec)
    if seconds is None:
        return EstimateDocument(
            trials=spec.trials,
            parallelism=spec.parallelism,
            basis=basis,
            measured_trials=measured,
            seconds_per_trial=None,
            wall_seconds=None,
            device_hours=None,
            bounded_by=None,
        )
    wall = seconds * -(-spec.trials // spec.parallelism)
    hours = seconds * spec.trials * spec.resources.devices / 3600
    fraction, bounded_by = _bounded(spec, wall, hours)
    return EstimateDocument(
        trials=spec.trials,
        parallelism=spec.parallelism,
        basis=basis,
        measured_trials=measured,
        seconds_per_trial=round(seconds, 3),
        wall_seconds=round(fraction * wall, 3),
        device_hours=round(fraction * hours, 6),
        bounded_by=bounded_by,
    )


def _bounded(
    spec: CampaignSpec, wall: float, hours: float
) -> tuple[float, Literal["wall_seconds", "device_hours"] | None]:
    """The fraction of the campaign until a stop condition ends it, and that condition."""
    fraction = 1.0
    bounded_by: Literal["wall_seconds", "device_hours"] | None = None
    if spec.stop is not None:
        if spec.stop.wall_seconds is not None and spec.stop.wall_seconds < wall:
            fraction, bounded_by = spec.stop.wall_seconds / wall, "wall_seconds"
        if spec.stop.device_hours is not None and spec.stop.device_hours < fraction * hours:
            fraction, bounded_by = spec.stop.device_hours / hours, "device_hours"
    return fraction, bounded_by


def _seconds_per_trial(store: Store, spec: CampaignSpec) -> tuple[float | None, EstimateBasis, int]:
    task = spec.proxy_task.resolve()
    if task.kind == "synthetic":
        return task.seconds, "profile", 0

    def is_same_task(other: CampaignSpec) -> bool:
        return (
            other.proxy_task.resolve() == task
            and other.dataset == spec.dataset
            and other.search_space == spec.search_space
        )

    def has_same_workers(other: CampaignSpec) -> bool:
        return is_same_task(other) and (other.parallelism, other.resources) == (spec.parallelism, spec.resources)

    bases: tuple[tuple[EstimateBasis, Any], ...] = (("same-workers", has_same_workers), ("same-task", is_same_task))
    for basis, is_similar in bases:
        seconds = store.reads.trial_seconds(is_similar)
        if seconds:
            return median(seconds), basis, len(seconds)
    return None, "nothing", 0
