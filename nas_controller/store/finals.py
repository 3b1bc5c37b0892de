"""Writes the trainings of finals: their attempts, their progress and their outcomes; and the end of the finals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from nas_controller.entities import FinalRunDocument, name_of_final
from nas_controller.search.data_difference import RESTORE_DATA
from nas_controller.search.finals_rules import LATEST
from nas_controller.search.finals_verdict import CostRatios, compare, confirmed, ranked_first
from nas_controller.search.outcomes import WORKER_KILLED, reward_error
from nas_controller.states import BASELINE_TRIAL
from nas_controller.store import models
from nas_controller.store.campaign_endings import end_campaign, end_final_attempt
from nas_controller.store.clock import Clock
from nas_controller.store.database import Database
from nas_controller.store.errors import ConflictError, NotFoundError
from nas_controller.store.events import add_event
from nas_controller.store.leases import owned_campaign
from nas_controller.store.mappers import campaign_record, final_run
from nas_controller.store.records import CampaignRecord, Lease
from nas_controller.store.row_lookup import require_campaign
from nas_controller.store.sanitising import sanitise
from nas_controller.store.trial_outcomes import digest_of, finite_values, known
from search_space.errors import InvalidValueError


class FinalsQuery:
    """Reads the trainings. Raises StoreUnavailableError when the database is unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def final_runs(self, campaign_id: str) -> tuple[FinalRunDocument, ...]:
        """The trainings that have begun, by seed and trial. Raises NotFoundError."""
        with self._database.reading() as session:
            require_campaign(session, campaign_id)
            return tuple(final_run(row) for row in _rows(session, campaign_id))

    def cost_ratios(self, campaign_id: str, trials: Iterable[int]) -> dict[int, CostRatios]:
        """The costs of trials over those of the baseline, by number. Raises NotFoundError for an unknown campaign."""
        table = models.Trial
        numbers = {BASELINE_TRIAL, *trials}
        query = select(table.number, table.params, table.latency_ratio).where(
            table.campaign_id == campaign_id, table.number.in_(numbers)
        )
        with self._database.reading() as session:
            require_campaign(session, campaign_id)
            rows = {row.number: row for row in session.execute(query)}
        baseline = rows[BASELINE_TRIAL]
        return {number: CostRatios(row.params / baseline.params, row.latency_ratio) for number, row in rows.items()}


class FinalsWrites:
    """Writes of a runner. All raise LeaseLostError, and StoreUnavailableError when the database is unavailable.

    Those of one training raise NotFoundError unless it has begun.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def begin_final(self, lease: Lease, trial: int, seed: int) -> FinalRunDocument:
        """Begins an attempt at a training. Raises ConflictError while one is running, and once it is finished."""
        now = self._clock()
        with self._database.writing() as session:
            campaign = owned_campaign(session, lease, now)
            row = session.get(models.Final, (campaign.id, trial, seed))
            if row is None:
                row = models.Final(
                    campaign_id=campaign.id, trial=trial, seed=seed, state="running", attempts=0, started_at=now
                )
                session.add(row)
            elif row.state != "running" or row.attempt_started_at is not None:
                raise ConflictError(f"campaign '{campaign.id}': {name_of_final(trial, seed)} is {row.state}")
            row.attempts += 1
            row.attempt_started_at, row.worker_started_at = now, None
            row.progress_step = row.progress_total = None
            add_event(session, campaign, now, "final.begun", _of_attempt(row))
            session.flush()
            return final_run(row)

    def record_final_begin(self, lease: Lease, trial: int, seed: int, seconds: float) -> None:
        """Writes that a worker began the attempt in training so many seconds ago, but not before its hand-out. Adds no
        event.
        """
        now = self._clock()
        with self._database.writing() as session:
            campaign = owned_campaign(session, lease, now)
            row = _find(session, campaign.id, trial, seed)
            if row.attempt_started_at is not None:
                campaign.progress_reports += 1
                row.worker_started_at = max(row.attempt_started_at, now - timedelta(seconds=seconds))

    def record_final_progress(self, lease: Lease, trial: int, seed: int, step: int, total: int) -> None:
        """Writes the progress of the attempt in training. Adds no event; clients poll the finals."""
        now = self._clock()
        with self._database.writing() as session:
            campaign = owned_campaign(session, lease, now)
            row = _find(session, campaign.id, trial, seed)
            if row.attempt_started_at is not None:
                campaign.progress_reports += 1
                row.progress_step, row.progress_total = step, total

    def complete_final(
        self,
        lease: Lease,
        trial: int,
        seed: int,
        reward: float,
        metrics: Mapping[str, float],
        data: Mapping[str, Any] | None = None,
        seconds: float | None = None,
    ) -> CampaignRecord:
        """Ends the attempt in training, which took its worker `seconds`, with its reward.

        The identity of the data that it read is that of the finals from now on. Raises ConflictError where it is not,
        or without an attempt in training, and InvalidValueError for a reward outside 0 to 1.
        """
        if (error := reward_error(reward)) is not None:
            raise InvalidValueError(f"{name_of_final(trial, seed)}: {error}", field="reward")
        now = self._clock()
        with self._database.writing() as session:
            campaign = owned_campaign(session, lease, now)
            row = _find(session, campaign.id, trial, seed)
            if not end_final_attempt(campaign, row, now, seconds):
                raise ConflictError(f"campaign '{campaign.id}': {name_of_final(trial, seed)} is not in training")
            data_sha256 = _identify(session, campaign, now, data)
            row.state, row.reward, row.metrics = "completed", reward, finite_values(metrics)
            row.error = row.error_kind = row.log_tail = None
            row.data_sha256 = data_sha256
            _finish(campaign, row, now)
            digests = known(metrics_sha256=digest_of(row.metrics), data_sha256=data_sha256)
            facts = {**_of_attempt(row), "reward": reward, **digests}
            add_event(session, campaign, now, "final.completed", facts)
            return campaign_record(campaign)

    def fail_final(
        self,
        lease: Lease,
        trial: int,
        seed: int,
        error: str,
        error_kind: str,
        log_tail: str | None = None,
        seconds: float | None = None,
        *,
        gives_up: bool,
    ) -> CampaignRecord:
        """Ends the attempt in training, if there is one, with an error, after `seconds` of its worker. Another attempt
        may follow unless the training is given up, which leaves it without a reward.
        """
        now = self._clock()
        with self._database.writing() as session:
            campaign = owned_campaign(session, lease, now)
            row = _find(session, campaign.id, trial, seed)
            if end_final_attempt(campaign, row, now, seconds):
                row.error, row.error_kind, row.log_tail = sanitise(error), error_kind, sanitise(log_tail)
                campaign.workers_killed += error_kind == WORKER_KILLED
                if gives_up:
                    row.state = "failed"
                    _finish(campaign, row, now)
                facts = {**_of_attempt(row), "error": row.error, "kind": error_kind, "gives_up": gives_up}
                add_event(session, campaign, now, "final.failed", facts)
            return campaign_record(campaign)

    def complete_finals(self, lease: Lease) -> CampaignRecord:
        """Ends the finals, with their winner, and the campaign. Raises ConflictError while a training is left."""
        now = self._clock()
        with self._database.writing() as session:
            campaign = owned_campaign(session, lease, now)
            finals = campaign.finals
            if finals is None or finals["state"] != "running" or finals["runs_finished"] < finals["runs"]:
                raise ConflictError(f"campaign '{campaign.id}': its finals are not at their end")
            rewards = {
                (row.trial, row.seed): row.reward for row in _rows(session, campaign.id) if row.reward is not None
            }
            numbers = [each["trial"] for each in finals["finalists"]]
            compared = compare(rewards, numbers, BASELINE_TRIAL)
            found = {"winner": confirmed(compared), "best": ranked_first(compared, BASELINE_TRIAL)}
            means = {BASELINE_TRIAL: 0.0} | {each.trial: each.mean for each in compared}
            campaign.finals_gain = None if found["best"] is None else means[found["best"]]
            campaign.finals = {**finals, **found, "state": "completed", "finished_at": now.isoformat()}
            add_event(session, campaign, now, "finals.completed", {"rule": LATEST, **found})
            event = "complete" if finals["follows"] == "completed" else "end"
            end_campaign(session, campaign, now, event, because=campaign.stopped_because)  # type: ignore[arg-type]
            return campaign_record(campaign)


def _identify(session: Session, campaign: models.Campaign, now: datetime, data: Mapping[str, Any] | None) -> str | None:
    """Stores the identity that the first outcome of finals states, with an event; returns its digest.

    Raises ConflictError for an outcome of other data.
    """
    finals = campaign.finals
    if data is None or finals is None:
        return None
    if finals["data"] is None:
        identity = {name: value for name, value in data.items() if name != "fresh_images"}
        campaign.finals = {**finals, "data": identity, "fresh_images": data.get("fresh_images")}
        add_event(session, campaign, now, "finals.identified", dict(data))
    elif finals["data"]["sha256"] != data["sha256"]:
        raise ConflictError(
            f"campaign '{campaign.id}': its finals are of the data {finals['data']['sha256']}, this one is of "
            f"{data['sha256']}. {RESTORE_DATA}"
        )
    return str(data["sha256"])


def _finish(campaign: models.Campaign, row: models.Final, now: datetime) -> None:
    assert campaign.finals is not None
    row.finished_at = now
    campaign.finals = {**campaign.finals, "runs_finished": campaign.finals["runs_finished"] + 1}


def _rows(session: Session, campaign_id: str) -> list[models.Final]:
    table = models.Final
    query = select(table).where(table.campaign_id == campaign_id).order_by(table.seed, table.trial)
    return list(session.scalars(query))


def _find(session: Session, campaign_id: str, trial: int, seed: int) -> models.Final:
    row = session.get(models.Final, (campaign_id, trial, seed))
    if row is None:
        raise NotFoundError(f"campaign '{campaign_id}': {name_of_final(trial, seed)} has not begun")
    return row


def _of_attempt(row: models.Final) -> dict[str, Any]:
    return {"trial": row.trial, "seed": row.seed, "attempt": row.attempts}
