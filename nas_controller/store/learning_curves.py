"""Writes the progress of attempts and their learning curves; checks the lease as every write of a runner."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from nas_controller.store import models
from nas_controller.store.clock import Clock
from nas_controller.store.database import Database
from nas_controller.store.leases import owned_campaign
from nas_controller.store.records import Lease
from nas_controller.store.row_lookup import find_attempt, find_trial
from nas_controller.store.trial_outcomes import finite_values

MAX_CURVE_POINTS = 1_000
"""The limit for one attempt. A trial reports at most every 2 seconds, and later less often: in addition to its APs,
about 50 times in the first 100 seconds and 35 times for every doubling of that time.
"""


class LearningCurves:
    """Writes of a runner. All raise LeaseLostError, and StoreUnavailableError when the database is unavailable."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def record_begin(self, lease: Lease, number: int, attempt: int, seconds: float) -> None:
        """Writes that a worker began the running attempt of a trial so many seconds ago, not before its hand-out. Adds
        no event.
        """
        now = self._clock()
        with self._database.writing() as session:
            campaign = owned_campaign(session, lease, now)
            trial = find_trial(session, campaign.id, number)
            row = find_attempt(session, campaign.id, number, attempt)
            if attempt == trial.attempts and row.state == "running":
                campaign.progress_reports += 1
                trial.worker_started_at = max(row.started_at, now - timedelta(seconds=seconds))

    def record_progress(
        self,
        lease: Lease,
        number: int,
        attempt: int,
        step: int,
        total: int,
        values: Mapping[str, float],
        ap: float | None = None,
    ) -> None:
        """Writes the progress of an attempt, and one point of its learning curve; a later point of a step replaces it.

        `ap` is the AP on the reserved images at this step, if they were scored. Values that are not finite are left
        out; without any other there is no point. A curve that has MAX_CURVE_POINTS loses every second one first, those
        with an AP last. Progress adds no event; clients poll the running trials.
        """
        measured = finite_values(values if ap is None else {**values, "ap": ap})
        now = self._clock()
        with self._database.writing() as session:
            campaign = owned_campaign(session, lease, now)
            trial = find_trial(session, campaign.id, number)
            row = find_attempt(session, campaign.id, number, attempt)
            campaign.progress_reports += 1
            if attempt == trial.attempts:
                if trial.progress_step is None and row.state == "running":
                    campaign.first_reports += 1
                    campaign.first_report_seconds += max(0.0, (now - row.started_at).total_seconds())
                trial.progress_step = step
                trial.progress_total = total
                trial.progress_ap = measured.get("ap", trial.progress_ap)
            if not measured:
                return
            _thin_curve(session, campaign.id, number, attempt)
            session.merge(
                models.Measurement(
                    campaign_id=campaign.id,
                    trial=number,
                    attempt=attempt,
                    step=step,
                    at=now,
                    values=measured,
                )
            )


def _thin_curve(session: Session, campaign_id: str, number: int, attempt: int) -> None:
    """Removes points from a full curve."""
    table = models.Measurement
    is_of_attempt = (table.campaign_id == campaign_id, table.trial == number, table.attempt == attempt)
    if (session.scalar(select(func.count()).select_from(table).where(*is_of_attempt)) or 0) < MAX_CURVE_POINTS:
        return
    points = session.execute(select(table.step, table.values).where(*is_of_attempt).order_by(table.step)).all()
    without_ap = [step for step, values in points if "ap" not in values]
    removed = without_ap[1::2] or [step for step, _ in points][1::2]
    session.execute(delete(table).where(*is_of_attempt, table.step.in_(removed)))
