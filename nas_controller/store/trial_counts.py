"""How many trials of a campaign are in each state."""

from __future__ import annotations

from sqlalchemy import func, select

from nas_controller.entities import TrialCountsDocument
from nas_controller.store import models
from nas_controller.store.database import Database
from nas_controller.store.row_lookup import require_campaign


class TrialCounts:
    """Counts of trials, each from an index."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def trial_counts(self, campaign_id: str) -> TrialCountsDocument:
        """The counts of a campaign. Raises NotFoundError."""
        table = models.Trial
        of_campaign = table.campaign_id == campaign_id
        with self._database.reading() as session:
            require_campaign(session, campaign_id)
            counted = session.execute(
                select(table.state, func.count().label("number")).where(of_campaign).group_by(table.state)
            )
            by_state = {row.state: row.number for row in counted}
            waits = (of_campaign, table.state == "running", table.worker_started_at.is_(None))
            queued = session.execute(select(func.count()).select_from(table).where(*waits)).scalar_one()
        return TrialCountsDocument(
            running=by_state.pop("running", 0) - queued,
            queued=queued,
            completed=by_state.get("completed", 0),
            failed=by_state.get("failed", 0),
            stopped=by_state.get("stopped", 0),
        )
