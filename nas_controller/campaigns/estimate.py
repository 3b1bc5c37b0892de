"""Estimates the duration of a campaign before it starts, from that of similar trials and finals in the database."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from statistics import fmean, median
from typing import Literal, NamedTuple

from nas_controller.campaigns.shared_training_estimate import shared_training_estimate
from nas_controller.entities import EstimateDocument, FinalsEstimateDocument, SharedTrainingEstimateDocument
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.states import EstimateBasis
from nas_controller.store import Span, Store
from nas_controller.throughput import mean_interval

IsSimilar = Callable[[CampaignSpec], bool]


class _Measured(NamedTuple):
    """Seconds of a training to its end, None where nothing is known; what they are based on, how many were measured.

    `mean_seconds` is what one takes on average: less than `seconds` where early stopping ends some. `interval` is the
    mean time between the ends of trainings with the same workers, where it is known.
    """

    seconds: float | None
    basis: EstimateBasis
    trainings: int
    mean_seconds: float | None
    interval: float | None = None

    @property
    def assumes_throughput(self) -> bool:
        """Whether the time of several follows from how many train at once, since no throughput was observed."""
        return self.seconds is not None and self.interval is None


def estimate(store: Store, spec: CampaignSpec, data_dir: Path) -> EstimateDocument:
    """Estimates a campaign; `data_dir` may have shared weights from before. Raises StoreUnavailableError."""
    measured, at_once = _of_trials(store, spec), _at_once(store, spec)
    shared = shared_training_estimate(store, spec, data_dir)
    wall, hours = _cost(spec, measured, spec.trials, at_once)
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
        at_once=at_once if measured.assumes_throughput else None,
        wall_seconds=_rounded(wall, 3),
        device_hours=_rounded(hours, 6),
        bounded_by=bounded_by,
        shared_training=shared,
        finals=_finals(store, spec, at_once),
    )


def _finals(store: Store, spec: CampaignSpec, at_once: int) -> FinalsEstimateDocument | None:
    if spec.finals is None:
        return None
    measured, trainings = _of_finals(store, spec), spec.finals.seeds * (spec.finals.top + 1)
    wall, hours = _cost(spec, measured, trainings, at_once)
    return FinalsEstimateDocument(
        trainings=trainings,
        basis=measured.basis,
        measured_trainings=measured.trainings,
        seconds_per_training=_rounded(measured.seconds, 3),
        at_once=at_once if measured.assumes_throughput else None,
        wall_seconds=_rounded(wall, 3),
        device_hours=_rounded(hours, 6),
    )


def _at_once(store: Store, spec: CampaignSpec) -> int:
    """The trials that train at once at full speed, if no other campaign runs: `parallelism`, or fewer where the machine
    of every living supervisor has not their processors. What a Ray cluster has is not known.
    """
    limits = []
    for supervisor in store.reads.list_supervisors():
        if supervisor.is_alive:
            of_machine = None if supervisor.processors is None else supervisor.processors // (spec.resources.cpus or 1)
            known = [limit for limit in (of_machine, supervisor.max_parallelism) if limit is not None]
            limits.append(min([spec.parallelism, *known]))
    return max(1, max(limits, default=spec.parallelism))


def _cost(spec: CampaignSpec, measured: _Measured, trainings: int, at_once: int) -> tuple[float | None, float | None]:
    """Wall seconds and device hours of as many trainings, `at_once` together unless a throughput was observed."""
    if measured.mean_seconds is None:
        return None, None
    observed = None if measured.interval is None else measured.interval * trainings
    wall = measured.mean_seconds * -(-trainings // at_once) if observed is None else observed
    return wall, measured.mean_seconds * trainings * spec.resources.devices / 3600


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

    def measures_the_same(other: CampaignSpec) -> bool:
        return other.proxy_task.resolve() == task and other.latency == spec.latency

    of_profile = task.seconds if task.kind == "synthetic" and spec.latency is None else None
    return _measured(spec, store.reads.trial_spans, measures_the_same, of_profile)


def _of_finals(store: Store, spec: CampaignSpec) -> _Measured:
    task = spec.finals_task
    assert task is not None

    def has_task(other: CampaignSpec) -> bool:
        return other.finals_task == task

    return _measured(spec, store.reads.final_spans, has_task, task.seconds if task.kind == "synthetic" else None)


def _measured(
    spec: CampaignSpec,
    spans_of: Callable[[IsSimilar], list[Span]],
    has_task: IsSimilar,
    of_profile: float | None,
) -> _Measured:
    """What whole trainings of this task took: in campaigns with the same workers, with their throughput, else in any.

    Where the synthetic profile says what one takes, `of_profile`, only the throughput is measured.
    """

    def is_same_task(other: CampaignSpec) -> bool:
        return has_task(other) and other.dataset == spec.dataset and other.search_space == spec.search_space

    def has_same_workers(other: CampaignSpec) -> bool:
        return is_same_task(other) and (other.parallelism, other.resources) == (spec.parallelism, spec.resources)

    spans = spans_of(has_same_workers)
    interval = _newest_interval(spans, spec)
    if of_profile is not None:
        if interval is None:
            return _Measured(of_profile, "profile", 0, of_profile)
        return _Measured(of_profile, "same-workers", len(spans), of_profile, interval)
    return (
        _of_spans(spans, spec, "same-workers", interval)
        or _of_spans(spans_of(is_same_task), spec, "same-task")
        or _Measured(None, "nothing", 0, None)
    )


def _of_spans(
    spans: list[Span], spec: CampaignSpec, basis: EstimateBasis, interval: float | None = None
) -> _Measured | None:
    """What these trainings took; None if no training was run to its end. Where each had several attempts, as on
    machines that are preempted, the last one counts, which may have continued from a checkpoint.
    """
    to_the_end = [span for span in spans if not span.stopped_early]
    whole = [span.seconds for span in to_the_end if span.attempts == 1] or [span.seconds for span in to_the_end]
    if not whole:
        return None
    seconds = mean_seconds = median(whole)
    if spec.early_stopping is not None:
        mean_seconds = fmean([span.seconds for span in spans if span.attempts == 1] or whole)
    return _Measured(seconds, basis, len(whole), mean_seconds, interval)


def _newest_interval(spans: list[Span], spec: CampaignSpec) -> float | None:
    """The mean interval between ends in the newest campaign that has enough of them; `spans` are newest first.

    Campaigns whose trials were stopped early say nothing of one that trains every trial to its end.
    """
    longest = max((span.seconds for span in spans), default=0.0)
    for _, group in groupby(spans, lambda span: span.campaign):
        of_campaign = list(group)
        if spec.early_stopping is None and any(span.stopped_early for span in of_campaign):
            continue
        interval = mean_interval((span.ended.timestamp() for span in of_campaign), longest, spec.parallelism)
        if interval is not None:
            return interval
    return None
