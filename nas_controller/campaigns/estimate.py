"""Estimates the duration of a campaign before it starts, from that of similar trials and finals in the database."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Literal, NamedTuple

from nas_controller.campaigns.shared_training_estimate import shared_training_estimate
from nas_controller.entities import EstimateDocument, FinalsEstimateDocument, SharedTrainingEstimateDocument
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.states import EstimateBasis
from nas_controller.store import Span, Store
from nas_controller.throughput import mean_interval

IsSimilar = Callable[[CampaignSpec], bool]


class _Measured(NamedTuple):
    """Seconds of a training, None where nothing is known; what they are based on, and how many were measured.

    `interval` is the mean time between the ends of trainings with the same workers, where it is known.
    """

    seconds: float | None
    basis: EstimateBasis
    trainings: int
    interval: float | None = None


def estimate(store: Store, spec: CampaignSpec, data_dir: Path) -> EstimateDocument:
    """Estimates a campaign; `data_dir` may have shared weights from before. Raises StoreUnavailableError."""
    measured = _of_trials(store, spec)
    shared = shared_training_estimate(store, spec, data_dir)
    wall, hours = _cost(spec, measured, spec.trials)
    bounded_by: Literal["wall_seconds", "device_hours"] | None = None
    if wall is not None and hours is not None:
        fraction, bounded_by = _bounded(spec, wall, hours, shared)
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
        shared_training=shared,
        finals=_finals(store, spec),
    )


def _finals(store: Store, spec: CampaignSpec) -> FinalsEstimateDocument | None:
    if spec.finals is None:
        return None
    measured, trainings = _of_finals(store, spec), spec.finals.seeds * (spec.finals.top + 1)
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
    if measured.interval is None:
        wall = measured.seconds * -(-trainings // spec.parallelism)
    else:
        wall = measured.interval * trainings
    return wall, measured.seconds * trainings * spec.resources.devices / 3600


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _bounded(
    spec: CampaignSpec, wall: float, hours: float, shared: SharedTrainingEstimateDocument | None
) -> tuple[float, Literal["wall_seconds", "device_hours"] | None]:
    """The fraction of the trials until a stop condition ends the search, and that condition."""
    fraction = 1.0
    bounded_by: Literal["wall_seconds", "device_hours"] | None = None
    if spec.stop is not None:
        wall_left = _left(spec.stop.wall_seconds, None if shared is None else shared.wall_seconds)
        hours_left = _left(spec.stop.device_hours, None if shared is None else shared.device_hours)
        if wall_left < wall:
            fraction, bounded_by = wall_left / wall, "wall_seconds"
        if hours_left < fraction * hours:
            fraction, bounded_by = hours_left / hours, "device_hours"
    return fraction, bounded_by


def _left(limit: float | None, taken: float | None) -> float:
    """What the shared training leaves of a limit."""
    return math.inf if limit is None else max(0.0, limit - (taken or 0.0))


def _of_trials(store: Store, spec: CampaignSpec) -> _Measured:
    task = spec.proxy_task.resolve()
    if task.kind == "synthetic" and spec.latency is None:
        return _Measured(task.seconds, "profile", 0)

    def measures_the_same(other: CampaignSpec) -> bool:
        return other.proxy_task.resolve() == task and other.latency == spec.latency

    return _measured(spec, store.reads.trial_spans, measures_the_same)


def _of_finals(store: Store, spec: CampaignSpec) -> _Measured:
    task = spec.finals_task
    assert task is not None
    if task.kind == "synthetic":
        return _Measured(task.seconds, "profile", 0)

    def has_task(other: CampaignSpec) -> bool:
        return other.finals_task == task

    return _measured(spec, store.reads.final_spans, has_task)


def _measured(spec: CampaignSpec, spans_of: Callable[[IsSimilar], list[Span]], has_task: IsSimilar) -> _Measured:
    """What trainings of this task took: in campaigns with the same workers, with their throughput, else in any."""

    def is_same_task(other: CampaignSpec) -> bool:
        return has_task(other) and other.dataset == spec.dataset and other.search_space == spec.search_space

    def has_same_workers(other: CampaignSpec) -> bool:
        return is_same_task(other) and (other.parallelism, other.resources) == (spec.parallelism, spec.resources)

    if spans := spans_of(has_same_workers):
        return _Measured(_median(spans), "same-workers", len(spans), _newest_interval(spans, spec.parallelism))
    if spans := spans_of(is_same_task):
        return _Measured(_median(spans), "same-task", len(spans))
    return _Measured(None, "nothing", 0)


def _median(spans: list[Span]) -> float:
    return median(span.seconds for span in spans)


def _newest_interval(spans: list[Span], parallelism: int) -> float | None:
    """The mean interval between ends in the newest campaign that has enough of them; `spans` are newest first."""
    longest = max(span.seconds for span in spans)
    for _, of_campaign in groupby(spans, lambda span: span.campaign):
        interval = mean_interval((span.ended.timestamp() for span in of_campaign), longest, parallelism)
        if interval is not None:
            return interval
    return None
