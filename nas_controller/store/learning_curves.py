"""Writes the progress of attempts and their learning curves, with the lease checked as for every write of a runner."""

from __future__ import annotations

from collections.abc import Mapping

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
"""Of one attempt. A trial reports at most every 2 seconds and later less often: about 50 times in the first 100
seconds, and 35 times whenever the time has doubled, beside its APs."""


class LearningCurves:
    """Writes of a runner. All raise LeaseLostError, and StoreUnavailableError when the database is away."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

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
        """How far an attempt has come, and one point of its learning curve; later points of a step replace
        it.

        `ap` is what the reserved images gave at this step, where they were scored. Values that are not finite are left
        out; without any there is no point. A curve has MAX_CURVE_POINTS at most: then every second one goes, those
        with an AP last. No event is written: a poll of the running trials shows it.
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
    """Makes room for one more point."""
    table = models.Measurement
    mine = (table.campaign_id == campaign_id, table.trial == number, table.attempt == attempt)
    if (session.scalar(select(func.count()).select_from(table).where(*mine)) or 0) < MAX_CURVE_POINTS:
        return
    points = session.execute(select(table.step, table.values).where(*mine).order_by(table.step)).all()
    plain = [step for step, values in points if "ap" not in values]
    goes = plain[1::2] or [step for step, _ in points][1::2]
    session.execute(delete(table).where(*mine, table.step.in_(goes)))
