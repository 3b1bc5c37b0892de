"""Writes the training of a campaign's shared weights: its attempts, their progress and their outcome."""

from __future__ import annotations

from datetime import datetime, timedelta

from nas_controller.entities import SharedTrainingDocument
from nas_controller.search.outcomes import WORKER_KILLED, SharedWeights
from nas_controller.store.campaign_endings import end_shared_attempt
from nas_controller.store.clock import Clock
from nas_controller.store.data_identity import identify_data
from nas_controller.store.database import Database
from nas_controller.store.errors import ConflictError
from nas_controller.store.events import add_event
from nas_controller.store.leases import owned_campaign
from nas_controller.store.mappers import campaign_record
from nas_controller.store.records import CampaignRecord, Lease
from nas_controller.store.sanitising import sanitise
from nas_controller.store.trial_outcomes import known


class SharedTrainingWrites:
    """Writes of a runner. All raise LeaseLostError, and StoreUnavailableError when the database is unavailable."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def start_shared_training(self, lease: Lease, steps: int, devices: float) -> CampaignRecord:
        """Starts another attempt at the training, whose worker holds so many devices. Raises ConflictError while one is
        running.
        """
        now = self._clock()
        with self._database.writing() as session:
            campaign = owned_campaign(session, lease, now)
            before = campaign.shared_training
            if before is not None and before["state"] == "running":
                raise ConflictError(f"campaign '{campaign.id}': its shared weights are being trained")
            attempt = 1 if before is None else before["attempts"] + 1
            campaign.shared_training = SharedTrainingDocument(
                state="running",
                attempts=attempt,
                step=0 if before is None else before["step"],
                steps=steps,
                loss=None if before is None else before["loss"],
                seconds=0.0 if before is None else before["seconds"],
                devices=devices,
                started_at=now,
                worker_started_at=None,
                finished_at=None,
                is_reused=None,
                identity=None if before is None else before["identity"],
                weights_sha256=None if before is None else before["weights_sha256"],
                error=None if before is None else before["error"],
                error_kind=None if before is None else before["error_kind"],
                log_tail=None if before is None else before["log_tail"],
            ).to_dict()
            facts = {"attempt": attempt, "steps": steps, "devices": devices}
            add_event(session, campaign, now, "shared-training.started", facts)
            return campaign_record(campaign)

    def record_shared_begin(self, lease: Lease, seconds: float) -> None:
        """Writes that a worker began the running attempt so many seconds ago, but not before its hand-out. Adds no
        event.
        """
        now = self._clock()
        with self._database.writing() as session:
            campaign = owned_campaign(session, lease, now)
            before = campaign.shared_training
            if before is not None and before["state"] == "running":
                began = max(datetime.fromisoformat(before["started_at"]), now - timedelta(seconds=seconds))
                campaign.progress_reports += 1
                campaign.shared_training = {**before, "worker_started_at": began.isoformat()}

    def record_shared_progress(self, lease: Lease, step: int, loss: float | None) -> None:
        """Writes the progress of the running attempt. Adds no event; clients poll the campaign."""
        now = self._clock()
        with self._database.writing() as session:
            campaign = owned_campaign(session, lease, now)
            before = campaign.shared_training
            if before is not None and before["state"] == "running":
                campaign.progress_reports += 1
                campaign.shared_training = {**before, "step": step, "loss": before["loss"] if loss is None else loss}

    def complete_shared_training(self, lease: Lease, weights: SharedWeights) -> CampaignRecord:
        """Ends the running attempt with the digests of the trained weights.

        The identity of the data that it read is that of the campaign from now on. Raises ConflictError without a
        running attempt.
        """
        now = self._clock()
        with self._database.writing() as session:
            campaign = owned_campaign(session, lease, now)
            data_sha256 = identify_data(session, campaign, now, weights.data)
            ended = end_shared_attempt(
                campaign,
                now,
                "completed",
                worker_seconds=weights.seconds,
                step=(campaign.shared_training or {}).get("steps"),
                identity=weights.identity,
                weights_sha256=weights.sha256,
                is_reused=weights.is_reused,
                error=None,
                error_kind=None,
                log_tail=None,
            )
            if ended is None:
                raise ConflictError(f"campaign '{campaign.id}': its shared weights are not being trained")
            facts = {
                "attempt": ended,
                "identity": weights.identity,
                "weights_sha256": weights.sha256,
                "is_reused": weights.is_reused,
            }
            add_event(session, campaign, now, "shared-training.completed", facts | known(data_sha256=data_sha256))
            return campaign_record(campaign)

    def fail_shared_training(
        self, lease: Lease, error: str, error_kind: str, log_tail: str | None = None, seconds: float | None = None
    ) -> CampaignRecord:
        """Ends the running attempt, if there is one, with an error, after `seconds` of its worker; another attempt may
        follow.
        """
        error = sanitise(error)
        now = self._clock()
        with self._database.writing() as session:
            campaign = owned_campaign(session, lease, now)
            ended = end_shared_attempt(
                campaign,
                now,
                "failed",
                worker_seconds=seconds,
                error=error,
                error_kind=error_kind,
                log_tail=sanitise(log_tail),
            )
            if ended is not None:
                campaign.workers_killed += error_kind == WORKER_KILLED
                facts = {"attempt": ended, "error": error, "kind": error_kind}
                add_event(session, campaign, now, "shared-training.failed", facts)
            return campaign_record(campaign)
