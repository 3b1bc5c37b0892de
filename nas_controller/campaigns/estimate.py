"""Estimates the duration of a campaign before it starts, from that of similar trials in the database."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.states import EstimateBasis
from nas_controller.store import Store


@dataclass(frozen=True)
class Estimate:
    """The duration of a campaign if every trial is trained to its end.

    `basis` is what it is computed from: `same-workers`, the median of `measured_trials` trials of the same proxy task
    with the same parallelism and resources; `same-task`, the median of trials of the same proxy task with others;
    `profile`, the seconds of a synthetic profile; `nothing`: then all durations are None. `bounded_by` is the stop
    condition that would end the campaign first.
    """

    trials: int
    parallelism: int
    basis: EstimateBasis
    measured_trials: int
    seconds_per_trial: float | None
    wall_seconds: float | None
    device_hours: float | None
    bounded_by: str | None

    def to_dict(self) -> dict[str, Any]:
        """The estimate as plain JSON values."""
        return asdict(self)


def estimate(store: Store, spec: CampaignSpec) -> Estimate:
    """Estimates a campaign. Raises StoreUnavailableError."""
    seconds, basis, measured = _seconds_per_trial(store, spec)
    if seconds is None:
        return Estimate(spec.trials, spec.parallelism, basis, 0, None, None, None, None)
    wall = seconds * -(-spec.trials // spec.parallelism)
    hours = seconds * spec.trials * spec.resources.devices / 3600
    part, bounded_by = 1.0, None
    if spec.stop is not None:
        bounds = (("wall_seconds", spec.stop.wall_seconds, wall), ("device_hours", spec.stop.device_hours, hours))
        for name, bound, needed in bounds:
            if bound is not None and bound < part * needed:
                part, bounded_by = bound / needed, name
    return Estimate(
        spec.trials,
        spec.parallelism,
        basis,
        measured,
        round(seconds, 3),
        round(part * wall, 3),
        round(part * hours, 6),
        bounded_by,
    )


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

    kinds: tuple[tuple[EstimateBasis, Any], ...] = (("same-workers", has_same_workers), ("same-task", is_same_task))
    for basis, is_alike in kinds:
        found = store.reads.trial_seconds(is_alike)
        if found:
            return median(found), basis, len(found)
    return None, "nothing", 0
