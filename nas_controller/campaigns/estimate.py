"""Estimates the duration of a campaign before it starts, from that of similar trials and finals in the database."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Literal, NamedTuple

from nas_controller.entities import EstimateDocument, FinalsEstimateDocument
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.search.finals_spec import FinalsSpec
from nas_controller.states import EstimateBasis
from nas_controller.store import Store

IsSimilar = Callable[[CampaignSpec], bool]


class _Measured(NamedTuple):
    """Seconds of a training, None where nothing is known; what they are based on, and how many were measured."""

    seconds: float | None
    basis: EstimateBasis
    trainings: int


def estimate(store: Store, spec: CampaignSpec) -> EstimateDocument:
    """Estimates a campaign. Raises StoreUnavailableError."""
    measured = _of_trials(store, spec)
    wall, hours = _cost(spec, measured, spec.trials)
    bounded_by: Literal["wall_seconds", "device_hours"] | None = None
    if wall is not None and hours is not None:
        fraction, bounded_by = _bounded(spec, wall, hours)
        wall, hours = fraction * wall, fraction * hours
    return EstimateDocument(
        trials=spec.trials,
        parallelism=spec.parallelism,
        basis=measured.basis,
        measured_trials=measured.trainings,
        seconds_per_trial=_rounded(measured.seconds, 3),
        wall_seconds=_rounded(wall, 3),
        device_hours=_rounded(hours, 6),
        bounded_by=bounded_by,
        finals=_finals(store, spec),
    )


def _finals(store: Store, spec: CampaignSpec) -> FinalsEstimateDocument | None:
    if spec.finals is None:
        return None
    measured, trainings = _of_finals(store, spec, spec.finals), spec.finals.seeds * (spec.finals.top + 1)
    wall, hours = _cost(spec, measured, trainings)
    return FinalsEstimateDocument(
        trainings=trainings,
        basis=measured.basis,
        measured_trainings=measured.trainings,
        seconds_per_training=_rounded(measured.seconds, 3),
        wall_seconds=_rounded(wall, 3),
        device_hours=_rounded(hours, 6),
    )


def _cost(spec: CampaignSpec, measured: _Measured, trainings: int) -> tuple[float | None, float | None]:
    """Seconds on the wall and device hours of as many trainings."""
    if measured.seconds is None:
        return None, None
    wall = measured.seconds * -(-trainings // spec.parallelism)
    return wall, measured.seconds * trainings * spec.resources.devices / 3600


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


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


def _of_trials(store: Store, spec: CampaignSpec) -> _Measured:
    task = spec.proxy_task.resolve()
    if task.kind == "synthetic" and spec.latency is None:
        return _Measured(task.seconds, "profile", 0)

    def measures_the_same(other: CampaignSpec) -> bool:
        return other.proxy_task.resolve() == task and other.latency == spec.latency

    return _measured(spec, store.reads.trial_seconds, measures_the_same)


def _of_finals(store: Store, spec: CampaignSpec, finals: FinalsSpec) -> _Measured:
    task = finals.task(spec.proxy_task.resolve())
    if task.kind == "synthetic":
        return _Measured(task.seconds, "profile", 0)

    def has_task(other: CampaignSpec) -> bool:
        return other.finals is not None and other.finals.task(other.proxy_task.resolve()) == task

    return _measured(spec, store.reads.final_seconds, has_task)


def _measured(spec: CampaignSpec, seconds_of: Callable[[IsSimilar], list[float]], has_task: IsSimilar) -> _Measured:
    """The median of the trainings of this task: of campaigns with the same workers, else with any."""

    def is_same_task(other: CampaignSpec) -> bool:
        return has_task(other) and other.dataset == spec.dataset and other.search_space == spec.search_space

    def has_same_workers(other: CampaignSpec) -> bool:
        return is_same_task(other) and (other.parallelism, other.resources) == (spec.parallelism, spec.resources)

    bases: tuple[tuple[EstimateBasis, IsSimilar], ...] = (
        ("same-workers", has_same_workers),
        ("same-task", is_same_task),
    )
    for basis, is_similar in bases:
        seconds = seconds_of(is_similar)
        if seconds:
            return _Measured(median(seconds), basis, len(seconds))
    return _Measured(None, "nothing", 0)
