"""Versions of campaigns, for ETags: while a version is unchanged, so are all responses.

Everything changes with an event, except the progress of running trials and their learning curves, whose reports the
campaign's row counts. So the version is two numbers of one row.
"""

from __future__ import annotations

from sqlalchemy import func, select

from nas_controller.store import models
from nas_controller.store.database import Database
from nas_controller.store.row_lookup import campaign_values


class EtagVersions:
    """Versions. All raise StoreUnavailableError when the database is unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def campaign_version(self, campaign_id: str, *, progress: bool = True) -> str:
        """Changes with the campaign and its trials; without `progress`, not with reports of trials in training.

        Raises NotFoundError.
        """
        columns = [models.Campaign.last_event, models.Campaign.progress_reports]
        with self._database.single_statement() as connection:
            return ".".join(map(str, campaign_values(connection, campaign_id, *columns[: 1 + progress])))

    def campaigns_version(self) -> str:
        """Changes with every new campaign and every event."""
        table = models.Campaign
        query = select(func.count(), func.coalesce(func.sum(table.last_event), 0), func.max(table.id))
        with self._database.single_statement() as connection:
            count, events, newest = connection.execute(query).one()
        return f"{count}.{events}.{newest}"
