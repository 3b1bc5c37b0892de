"""Estimates the time left of a campaign. dashboard/static/time-left.js has the same rule; both are tested with the same
cases.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from statistics import fmean, median
from typing import TYPE_CHECKING

from api.report.wall_time import wall_seconds
from nas_controller.throughput import mean_interval, most_at_once

if TYPE_CHECKING:
    from api.documents import CampaignDocument, FinalRunDocument, FinalsReportDocument, TrialDocument


def training_seconds(training: TrialDocument | FinalRunDocument) -> float | None:
    """The seconds that a worker took for a finished trial or final; None if none has trained it."""
    if training.finished_at is None or training.worker_started_at is None:
        return None
    measured = (training.metrics or {}).get("seconds")
    return measured if measured is not None else (training.finished_at - training.worker_started_at).total_seconds()


def _seconds_of(left: float, recent: Sequence[TrialDocument | FinalRunDocument], parallelism: int) -> float | None:
    """Seconds for `left` trainings at the observed throughput: times the mean interval between the ends of recent ones,
    repeats among them, pauses left out. Until more have been trained than train at once: times their median duration,
    divided by the number that has run at once. None before the first end, and of repeats alone before the second.
    """
    done = [training for training in recent if training.state == "completed"]
    trained = [seconds for training in done if (seconds := training_seconds(training)) is not None]
    at_once = _most_at_once(recent, parallelism) if trained else 1
    interval = None
    if not trained or len(trained) > at_once:
        ends = (training.finished_at.timestamp() for training in done if training.finished_at is not None)
        interval = mean_interval(ends, max(trained, default=0.0), at_once)
    if interval is None and trained:
        interval = median(trained) / at_once * len(trained) / len(done)
    return None if interval is None else left * interval


def _most_at_once(recent: Sequence[TrialDocument | FinalRunDocument], parallelism: int) -> int:
    """The most of these trainings that workers have run at one time, failed ones included."""
    return most_at_once(
        (
            (training.worker_started_at.timestamp(), training.finished_at.timestamp() if training.finished_at else None)
            for training in recent
            if training.worker_started_at is not None
        ),
        parallelism,
    )


def seconds_left(campaign: CampaignDocument, recent: Sequence[TrialDocument], now: datetime) -> float | None:
    """Estimated seconds to the end of a search: of its remaining trials, minus the completed fractions of running ones,
    or until its `wall_seconds` or `device_hours`.

    `recent` are its latest trials. None before the first trained one, and while the campaign is paused.
    """
    if campaign.state == "paused":
        return None
    trials = min(campaign.spec["trials"] - campaign.trials_finished, _trials_within_device_hours(campaign, recent))
    left = _seconds_of(max(0.0, trials - _completed_fractions(recent)), recent, campaign.spec["parallelism"])
    limit: float | None = (campaign.spec["stop"] or {}).get("wall_seconds")
    if left is None or limit is None:
        return left
    return min(left, max(0.0, limit - (wall_seconds(campaign, now) or 0.0)))


def _trials_within_device_hours(campaign: CampaignDocument, recent: Sequence[TrialDocument]) -> float:
    """The trials until `device_hours`, if each takes the mean device time of recent ones, repeats among them."""
    limit: float | None = (campaign.spec["stop"] or {}).get("device_hours")
    done = [training_seconds(trial) or 0.0 for trial in recent if trial.state == "completed"]
    if limit is None or not any(done):
        return math.inf
    resources = campaign.spec["resources"]
    devices = float(resources["tpus"] or resources["gpus"] or 1)
    return (3600 * limit - campaign.device_seconds) / (fmean(done) * devices)


def finals_seconds_left(campaign: CampaignDocument, report: FinalsReportDocument) -> float | None:
    """Estimated seconds to the end of finals: of the trainings left, minus the completed fractions of running ones.

    None before the first is finished, and unless they are running.
    """
    if report.finals.state != "running" or campaign.state == "paused":
        return None
    left = max(0.0, report.finals.runs - report.finals.runs_finished - _completed_fractions(report.runs))
    return _seconds_of(left, report.runs, campaign.spec["parallelism"])


def _completed_fractions(trainings: Sequence[TrialDocument | FinalRunDocument]) -> float:
    running = (training for training in trainings if training.state == "running")
    return sum((training.progress_step or 0) / (training.progress_total or 1) for training in running)


def shared_seconds_left(campaign: CampaignDocument, now: datetime) -> float | None:
    """Estimated seconds to the end of the training of the shared weights, from those that its steps have taken.

    None before there are any, and unless it is running.
    """
    training = campaign.shared_training
    if training is None or training.state != "running" or not training.step or training.worker_started_at is None:
        return None
    taken = training.seconds + max(0.0, (now - training.worker_started_at).total_seconds())
    return taken / training.step * (training.steps - training.step)
