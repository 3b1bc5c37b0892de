"""Estimates the time left of a campaign. dashboard/static/time-left.js has the same rule; both are tested with the same
cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api.documents import CampaignDocument, FinalRunDocument, FinalsReportDocument, TrialDocument


def training_seconds(trial: TrialDocument) -> float | None:
    """The training time of a finished trial in seconds; None if it was not trained."""
    if trial.finished_at is None or trial.reused_from is not None:
        return None
    measured = (trial.metrics or {}).get("seconds")
    return measured if measured is not None else (trial.finished_at - trial.started_at).total_seconds()


def seconds_left(campaign: CampaignDocument, recent: Sequence[TrialDocument]) -> float | None:
    """Estimated seconds to the end of a campaign: its remaining trials, minus the completed fractions of running ones,
    times the median training time, times the fraction of recent trials that were trained (not repeats), divided by its
    parallelism.

    `recent` are its latest trials. None before the first trained one, and while the campaign is paused.
    """
    completed = [trial for trial in recent if trial.state == "completed"]
    trained = [seconds for trial in completed if (seconds := training_seconds(trial)) is not None]
    if campaign.state == "paused" or not trained:
        return None
    running = (trial for trial in recent if trial.state == "running")
    done = sum((trial.progress_step or 0) / (trial.progress_total or 1) for trial in running)
    left = max(0.0, campaign.spec["trials"] - campaign.trials_finished - done)
    return float(median(trained) * left * (len(trained) / len(completed)) / campaign.spec["parallelism"])


def finals_seconds_left(campaign: CampaignDocument, report: FinalsReportDocument) -> float | None:
    """Estimated seconds to the end of finals: the trainings left, minus the completed fractions of running ones, times
    the median training time, divided by the campaign's parallelism.

    None before the first is finished, and unless they are running.
    """
    trained = [seconds for run in report.runs if (seconds := _final_seconds(run)) is not None]
    if report.finals.state != "running" or campaign.state == "paused" or not trained:
        return None
    running = (run for run in report.runs if run.state == "running")
    done = sum((run.progress_step or 0) / (run.progress_total or 1) for run in running)
    left = max(0.0, report.finals.runs - report.finals.runs_finished - done)
    return float(median(trained) * left / campaign.spec["parallelism"])


def _final_seconds(run: FinalRunDocument) -> float | None:
    """The training time of a final with a reward in seconds; None without one."""
    if run.state != "completed" or run.finished_at is None:
        return None
    measured = (run.metrics or {}).get("seconds")
    return measured if measured is not None else (run.finished_at - run.started_at).total_seconds()


def shared_seconds_left(campaign: CampaignDocument, now: datetime) -> float | None:
    """Estimated seconds to the end of the training of the shared weights, from those that its steps have taken.

    None before there are any, and unless it is running.
    """
    training = campaign.shared_training
    if training is None or training.state != "running" or not training.step:
        return None
    taken = training.seconds + max(0.0, (now - training.started_at).total_seconds())
    return taken / training.step * (training.steps - training.step)
