"""How far the record has come, as short texts: who has seen one and finds it again has missed nothing.

Everything that is shown of a campaign changes with an event, but for the progress of running trials and their learning
curves, whose reports are counted beside it. So the two numbers stand for all of it, and reading them costs one row.
"""

from __future__ import annotations

from sqlalchemy import func, select

from nas_controller.store import models
from nas_controller.store.database import Database
from nas_controller.store.queries import campaign_values


class EtagVersions:
    """Versions of what is shown. All raise StoreUnavailableError when the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def campaign_version(self, campaign_id: str, *, progress: bool = True) -> str:
        """Changes with everything about a campaign and its trials; without `progress`, not with reports of trials in
        training. Raises NotFoundError.
        """
        counted = [models.Campaign.last_event, models.Campaign.progress_reports]
        with self._database.looking() as record:
            return ".".join(map(str, campaign_values(record, campaign_id, *counted[: 1 + progress])))

    def campaigns_version(self) -> str:
        """Changes whenever a campaign comes, goes or has an event."""
        table = models.Campaign
        query = select(func.count(), func.coalesce(func.sum(table.last_event), 0), func.max(table.id))
        with self._database.looking() as record:
            count, events, newest = record.execute(query).one()
        return f"{count}.{events}.{newest}"
