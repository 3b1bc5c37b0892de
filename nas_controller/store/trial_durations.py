"""The durations of trials and finals of earlier campaigns."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.store import models
from nas_controller.store.database import Database
from nas_controller.store.stored_specifications import read_specification

_NEWEST_CAMPAIGNS = 500
_MAX_TRIALS = 500


class TrialDurations:
    """Queries over accepted attempts and completed finals.

    Raise StoreUnavailableError when the database is unavailable.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def trial_seconds(self, is_similar: Callable[[CampaignSpec], bool]) -> list[float]:
        """Seconds of the newest trials with a reward, in those of the newest campaigns whose document `is_similar`."""
        with self._database.reading() as session:
            attempts = (
                select(models.Attempt.started_at, models.Attempt.finished_at)
                .where(
                    models.Attempt.campaign_id.in_(_similar_campaigns(session, is_similar)),
                    models.Attempt.state == "accepted",
                )
                .order_by(models.Attempt.campaign_id.desc(), models.Attempt.trial.desc())
                .limit(_MAX_TRIALS)
            )
            rows = session.execute(attempts).all()
        return [(finished - started).total_seconds() for started, finished in rows if finished is not None]

    def final_seconds(self, is_similar: Callable[[CampaignSpec], bool]) -> list[float]:
        """Seconds of the newest finals that had their reward in one attempt, as `trial_seconds`."""
        table = models.Final
        with self._database.reading() as session:
            finals = (
                select(table.started_at, table.finished_at)
                .where(
                    table.campaign_id.in_(_similar_campaigns(session, is_similar)),
                    table.state == "completed",
                    table.attempts == 1,
                )
                .order_by(table.campaign_id.desc(), table.seed.desc(), table.trial.desc())
                .limit(_MAX_TRIALS)
            )
            rows = session.execute(finals).all()
        return [(finished - started).total_seconds() for started, finished in rows if finished is not None]


def _similar_campaigns(session: Session, is_similar: Callable[[CampaignSpec], bool]) -> list[str]:
    """The ids of those of the newest campaigns whose document is similar."""
    newest = (
        select(models.Campaign.id, models.Campaign.spec, models.Campaign.spec_version)
        .where(models.Campaign.trials_finished > 0)
        .order_by(models.Campaign.id.desc())
        .limit(_NEWEST_CAMPAIGNS)
    )
    documents = session.execute(newest).all()
    return [campaign_id for campaign_id, spec, version in documents if is_similar(read_specification(spec, version))]
