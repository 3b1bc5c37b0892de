"""Writes of the runner that has a campaign's lease: trials, attempts and outcomes.

Every method is one transaction that checks the lease, so a runner that has lost its lease writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from nas_controller.search.outcomes import Latency, reward_error
from nas_controller.search.proposals import EXPLORE_AFTER
from nas_controller.states import TrialEvent
from nas_controller.store import models
from nas_controller.store.clock import Clock
from nas_controller.store.data_identity import identify_data
from nas_controller.store.database import Database
from nas_controller.store.errors import ConflictError, NoMoreTrialsError
from nas_controller.store.events import add_event
from nas_controller.store.leases import owned_campaign
from nas_controller.store.mappers import acceptance, attempt_record, trial_record
from nas_controller.store.records import Acceptance, AttemptRecord, Lease, TrialRecord
from nas_controller.store.row_lookup import find_attempt, find_trial
from nas_controller.store.sanitising import sanitise
from nas_controller.store.transitions import move_trial
from nas_controller.store.trial_outcomes import close_attempt, digest_of, finish_trial, finite_values, known
from search_space.errors import InvalidValueError
from search_space.space import Candidate


class TrialWrites:
    """Writes of a runner. All raise LeaseLostError, and StoreUnavailableError when the database is unavailable."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def begin_trial(
        self,
        lease: Lease,
        number: int,
        candidate: Candidate,
        choices: tuple[int, ...] | None = None,
        log_probability: float | None = None,
        reused_from: int | None = None,
        draw: int = 0,
        repeats: int = 0,
    ) -> tuple[TrialRecord, AttemptRecord | None]:
        """Records a proposal and, unless it repeats the architecture of `reused_from`, its first attempt.

        `choices` and `log_probability` are the controller's (None for the baseline, trial 0); `draw` counts the
        earlier proposals for this number, of which `repeats` were of known architectures and the others met no budget.
        The event `trial.begun` fixes the proposal's position in the order that a replay follows. Raises ConflictError
        if the number is taken, and NoMoreTrialsError if the campaign has no more than `number` trials.
        """
        now = self._clock()
        with self._database.writing() as session:
            campaign = owned_campaign(session, lease, now)
            if campaign.trials_begun != number:
                raise ConflictError(
                    f"campaign '{campaign.id}': trial {number} is not the next, which is {campaign.trials_begun}"
                )
            if number >= campaign.spec["trials"]:
                raise NoMoreTrialsError(
                    f"campaign '{campaign.id}' has {campaign.spec['trials']} trials", field="trials"
                )
            trial = models.Trial(
                campaign_id=campaign.id,
                number=number,
                state="running",
                choices=None if choices is None else list(choices),
                log_probability=log_probability,
                betas=list(candidate.betas),
                alphas=list(candidate.alphas),
                widths=list(candidate.widths),
                madds=candidate.madds,
                params=candidate.params,
                madds_ratio=candidate.madds_ratio,
                attempts=0,
                reused_from=reused_from,
                started_at=now,
            )
            session.add(trial)
            session.flush()
            campaign.trials_begun += 1
            campaign.repeats_skipped += repeats
            campaign.reheated_trials += repeats > EXPLORE_AFTER
            add_event(session, campaign, now, "trial.begun", _proposal(trial) | {"draw": draw, "repeats": repeats})
            if reused_from is not None:
                return trial_record(trial), None
            attempt = _new_attempt(session, campaign, trial, lease, now)
            return trial_record(trial), attempt_record(attempt)

    def start_attempt(self, lease: Lease, number: int) -> AttemptRecord:
        """Starts a further attempt at a running trial. Raises NotFoundError, and ConflictError if it is finished."""
        now = self._clock()
        with self._database.writing() as session:
            campaign = owned_campaign(session, lease, now)
            trial = find_trial(session, campaign.id, number)
            move_trial(trial, "attempt")
            attempt = _new_attempt(session, campaign, trial, lease, now)
            add_event(session, campaign, now, "attempt.started", {"number": number, "attempt": attempt.number})
            return attempt_record(attempt)

    def fail_attempt(
        self,
        lease: Lease,
        number: int,
        attempt: int,
        error: str,
        error_kind: str | None = None,
        log_tail: str | None = None,
        data: Mapping[str, Any] | None = None,
        seconds: float | None = None,
    ) -> AttemptRecord:
        """Marks a running attempt as failed, which took its worker `seconds`; its trial stays running, for another
        attempt or `fail_trial`.

        Until the trial has its outcome, it shows the error of its latest failed attempt. The event does not include the
        log's tail, since every follower of the campaign reads it.
        """
        error = sanitise(error)
        now = self._clock()
        with self._database.writing() as session:
            campaign = owned_campaign(session, lease, now)
            row = find_attempt(session, campaign.id, number, attempt)
            if row.state == "running":
                data_sha256 = None if data is None else data["sha256"]
                trial = find_trial(session, campaign.id, number)
                result = (None, None, error, error_kind, log_tail, data_sha256, seconds)
                close_attempt(campaign, trial, row, now, "failed", *result)
                if trial.state == "running":
                    trial.error = error
                    trial.error_kind = error_kind
                facts = {"number": number, "attempt": attempt, "error": error, "kind": error_kind}
                add_event(session, campaign, now, "attempt.failed", facts | known(data_sha256=data_sha256))
            return attempt_record(row)

    def accept_reward(
        self,
        lease: Lease,
        number: int,
        attempt: int,
        reward: float,
        metrics: Mapping[str, float],
        controller_state: Mapping[str, Any],
        stopped_early: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        latency: Latency | None = None,
        log_tail: str | None = None,
        seconds: float | None = None,
    ) -> Acceptance:
        """Writes the reward of the first attempt that finishes, the controller that has learned from it, and the event.

        An abandoned attempt may still be the first. A result after the first is `late`: the attempt is marked so, an
        event is added and nothing else changes. The accepted attempt reported again is a `duplicate` and changes
        nothing. `stopped_early` has the `step` at which the trial was stopped with this reward, and why; it is stored
        in the event. `seconds` are those that the attempt took its worker, None where the worker is still at it. Raises
        InvalidValueError for a reward outside 0 to 1, NotFoundError, and ConflictError for a stopped trial.
        """
        if (error := reward_error(reward)) is not None:
            raise InvalidValueError(f"trial {number}: {error}", field="reward")
        now = self._clock()
        with self._database.writing() as session:
            campaign = owned_campaign(session, lease, now)
            trial = find_trial(session, campaign.id, number)
            row = find_attempt(session, campaign.id, number, attempt)
            if trial.reward is not None:
                if trial.accepted_attempt == attempt:
                    return acceptance("duplicate", campaign, trial)
                if row.state != "late":
                    data_sha256 = None if data is None else data["sha256"]
                    result = (reward, metrics, None, None, log_tail, data_sha256, seconds)
                    close_attempt(campaign, trial, row, now, "late", *result)
                    digests = known(metrics_sha256=digest_of(row.metrics), data_sha256=data_sha256)
                    facts = {"number": number, "attempt": attempt, "reward": reward}
                    add_event(session, campaign, now, "attempt.late", facts | digests)
                return acceptance("late", campaign, trial)
            data_sha256 = identify_data(session, campaign, now, data)
            result = (reward, metrics, None, None, log_tail, data_sha256, seconds)
            close_attempt(campaign, trial, row, now, "accepted", *result)
            campaign.rewards_accepted += 1
            trial.accepted_attempt = attempt
            trial.metrics = finite_values(metrics)
            trial.error = None
            trial.error_kind = None
            trial.stopped_early_step = None if stopped_early is None else stopped_early["step"]
            if latency is not None:
                trial.latency_ms, trial.latency_ratio = latency.ms, latency.ratio
            finish_trial(
                session, campaign, trial, now, "complete", reward, controller_state, stopped_early, data_sha256
            )
            return acceptance("accepted", campaign, trial)

    def fail_trial(
        self,
        lease: Lease,
        number: int,
        error: str,
        controller_state: Mapping[str, Any],
        error_kind: str | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> Acceptance:
        """Gives a trial up with reward 0 and the error's text, with the controller that has learned from it.

        Its running attempts are marked failed. A trial that is already finished is a `duplicate` and does not change.
        """
        error = sanitise(error)
        now = self._clock()
        with self._database.writing() as session:
            campaign = owned_campaign(session, lease, now)
            trial = find_trial(session, campaign.id, number)
            if trial.state != "running":
                return acceptance("duplicate", campaign, trial)
            identify_data(session, campaign, now, data)
            running = select(models.Attempt).where(
                models.Attempt.campaign_id == campaign.id,
                models.Attempt.trial == number,
                models.Attempt.state == "running",
            )
            for row in session.scalars(running):
                close_attempt(campaign, trial, row, now, "failed", None, None, error, error_kind)
            trial.error = error
            trial.error_kind = error_kind
            finish_trial(session, campaign, trial, now, "fail", 0.0, controller_state)
            return acceptance("accepted", campaign, trial)

    def accept_repeat(self, lease: Lease, number: int, controller_state: Mapping[str, Any]) -> Acceptance:
        """Gives a repeat the outcome of the trial that it repeats, without an attempt.

        A trial that is already finished is a `duplicate` and does not change. Raises ConflictError unless the trial
        repeats a finished one.
        """
        now = self._clock()
        with self._database.writing() as session:
            campaign = owned_campaign(session, lease, now)
            trial = find_trial(session, campaign.id, number)
            if trial.state != "running":
                return acceptance("duplicate", campaign, trial)
            if trial.reused_from is None:
                raise ConflictError(f"campaign '{campaign.id}': trial {number} is not a repeat")
            repeated = find_trial(session, campaign.id, trial.reused_from)
            if repeated.reward is None:
                raise ConflictError(
                    f"campaign '{campaign.id}': trial {number} repeats {repeated.number}, which is {repeated.state}"
                )
            trial.metrics = repeated.metrics
            trial.error = repeated.error
            trial.error_kind = repeated.error_kind
            trial.stopped_early_step = repeated.stopped_early_step
            trial.latency_ms, trial.latency_ratio = repeated.latency_ms, repeated.latency_ratio
            event: TrialEvent = "complete" if repeated.state == "completed" else "fail"
            finish_trial(session, campaign, trial, now, event, repeated.reward, controller_state)
            return acceptance("accepted", campaign, trial)


def _proposal(trial: models.Trial) -> dict[str, Any]:
    """What was proposed as a trial, for its event."""
    names = ("number", "choices", "log_probability", "widths", "reused_from")
    return {name: getattr(trial, name) for name in names}


def _new_attempt(
    session: Session, campaign: models.Campaign, trial: models.Trial, lease: Lease, now: datetime
) -> models.Attempt:
    trial.attempts += 1
    trial.progress_step = None
    trial.progress_total = None
    trial.progress_ap = None
    trial.worker_started_at = None
    attempt = models.Attempt(
        campaign_id=campaign.id,
        trial=trial.number,
        number=trial.attempts,
        state="running",
        epoch=lease.epoch,
        started_at=now,
    )
    session.add(attempt)
    return attempt
