"""Writes outcomes of attempts and trials, and the controller that has learned from them, in the transaction of a caller
that has locked the campaign.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, update
from sqlalchemy.orm import Session

from nas_controller.canonical_json import canonical_json, sha256_hex
from nas_controller.search.outcomes import WORKER_KILLED
from nas_controller.search.plateau import begins_plateau
from nas_controller.states import BASELINE_TRIAL, TrialEvent
from nas_controller.store import models
from nas_controller.store.campaign_endings import add_device_time, attempt_seconds, end_campaign
from nas_controller.store.events import add_event
from nas_controller.store.failure_limits import TOO_MANY_FAILURES, count_outcome, failures_error
from nas_controller.store.finals_starts import end_search
from nas_controller.store.sanitising import sanitise
from nas_controller.store.stop_conditions import reached_condition
from nas_controller.store.transitions import move_trial


def close_attempt(
    campaign: models.Campaign,
    trial: models.Trial,
    attempt: models.Attempt,
    now: datetime,
    state: str,
    reward: float | None,
    metrics: Mapping[str, float] | None,
    error: str | None = None,
    error_kind: str | None = None,
    log_tail: str | None = None,
    data_sha256: str | None = None,
    seconds: float | None = None,
) -> None:
    """Ends an attempt as `state`, with its result, the identity of the data that it read and the `seconds` that it took
    its worker, if they are known.
    """
    if attempt.state == "running":
        add_device_time(campaign, attempt_seconds(trial.worker_started_at, now, seconds))
    if state == "failed" and error_kind == WORKER_KILLED:
        campaign.workers_killed += 1
    attempt.state = state
    attempt.reward = reward
    attempt.metrics = None if metrics is None else finite_values(metrics)
    attempt.error = sanitise(error)
    attempt.error_kind = error_kind
    attempt.log_tail = sanitise(log_tail)
    attempt.data_sha256 = data_sha256
    attempt.finished_at = now


def finish_trial(
    session: Session,
    campaign: models.Campaign,
    trial: models.Trial,
    now: datetime,
    event: TrialEvent,
    reward: float,
    controller_state: Mapping[str, Any],
    stopped_early: Mapping[str, Any] | None = None,
    data_sha256: str | None = None,
) -> None:
    """Writes the outcome, the campaign's sums, the event with the controller's digest, and the controller. Says so if
    a plateau begins with the outcome, and ends the search if it meets one of its stop conditions.

    Raises ConflictError for a trial that is not running.
    """
    move_trial(trial, event)
    text = canonical_json(controller_state)
    digest = sha256_hex(text)
    trial.reward = reward
    trial.finished_at = now
    campaign.trials_finished += 1
    if event == "fail":
        campaign.trials_failed += 1
    if trial.number == BASELINE_TRIAL and event == "complete":
        campaign.baseline_reward = reward
    _compare_with_best(session, campaign, trial, event, reward)
    count_outcome(campaign, trial, event)
    data: dict[str, Any] = {
        "number": trial.number,
        "reward": reward,
        "attempt": trial.accepted_attempt,
        "reused_from": trial.reused_from,
        "params": trial.params,
        "controller_sha256": digest,
        **known(
            latency_ms=trial.latency_ms,
            latency_ratio=trial.latency_ratio,
            metrics_sha256=digest_of(trial.metrics),
            data_sha256=data_sha256,
        ),
    }
    if trial.error is not None:
        data["error"] = trial.error
        data["kind"] = trial.error_kind
    if stopped_early is not None:
        data["stopped_early"] = dict(stopped_early)
    sequence = add_event(session, campaign, now, f"trial.{trial.state}", data)
    values = {"sequence": sequence, "digest": digest, "state": text}
    table = models.ControllerState
    result = session.execute(update(table).where(table.campaign_id == campaign.id).values(values))
    if cast("CursorResult[Any]", result).rowcount == 0:
        session.add(table(campaign_id=campaign.id, **values))
    _add_plateau(session, campaign, now)
    failures = failures_error(campaign, trial) if event == "fail" else None
    reason = reached_condition(campaign, now)
    if failures is not None:
        end_campaign(session, campaign, now, "fail", failures, kind=TOO_MANY_FAILURES)
    elif reason is not None:
        end_search(session, campaign, now, reason)


def _compare_with_best(
    session: Session, campaign: models.Campaign, trial: models.Trial, event: TrialEvent, reward: float
) -> None:
    """Makes a trial of a locked campaign the best one if it is; of equal rewards, the one with fewer parameters is."""
    if event == "complete" and (campaign.best_reward is None or reward > campaign.best_reward):
        campaign.best_reward = reward
        campaign.best_trial = trial.number
        campaign.trials_since_best = 0
        return
    campaign.trials_since_best += 1
    if event == "complete" and reward == campaign.best_reward and _is_smaller(session, campaign, trial):
        campaign.best_trial = trial.number


def _add_plateau(session: Session, campaign: models.Campaign, now: datetime) -> None:
    """Adds the event of a plateau that begins with the latest outcome of a locked campaign."""
    if begins_plateau(campaign.trials_since_best, campaign.trials_finished):
        names = ("trials_since_best", "trials_finished", "best_trial", "best_reward")
        add_event(session, campaign, now, "search.plateau", {name: getattr(campaign, name) for name in names})


def _is_smaller(session: Session, campaign: models.Campaign, trial: models.Trial) -> bool:
    """Whether a trial has fewer parameters than the best trial of a locked campaign."""
    best = session.get_one(models.Trial, (campaign.id, campaign.best_trial))
    return trial.params < best.params


def digest_of(document: Mapping[str, Any] | None) -> str | None:
    """The SHA-256 of a stored document's canonical JSON, by which an event states it; None where there is none."""
    return None if document is None else sha256_hex(canonical_json(document))


def known(**values: Any) -> dict[str, Any]:
    """The values that are not None, for the data of an event."""
    return {name: value for name, value in values.items() if value is not None}


def finite_values(values: Mapping[str, float]) -> dict[str, float]:
    """The values without those that JSON cannot represent."""
    return {name: value for name, value in values.items() if math.isfinite(value)}
