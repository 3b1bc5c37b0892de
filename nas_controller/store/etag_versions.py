"""Versions of campaigns, for ETags: while a version is unchanged, so are all responses.

Everything changes with an event, except the progress of running trials and their learning curves, whose reports the
campaign's row counts. So the version is two numbers of one row.
"""

from __future__ import annotations

from sqlalchemy import func, select

from nas_controller.store import models
from nas_controller.store.database import Database
from nas_controller.store.row_lookup import campaign_values

_SHARED_STEP = models.Campaign.shared_training["step"].as_integer()


class EtagVersions:
    """Versions. All raise StoreUnavailableError when the database is unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def campaign_version(self, campaign_id: str, *, progress: bool = True) -> str:
        """Changes with the campaign and its trials; without `progress`, not with reports of trials in training.

        Raises NotFoundError.
        """
        table = models.Campaign
        reports = table.progress_reports if progress else func.coalesce(_SHARED_STEP, 0)
        with self._database.single_statement() as connection:
            return ".".join(map(str, campaign_values(connection, campaign_id, table.last_event, reports)))

    def campaigns_version(self) -> str:
        """Changes with every new campaign, every event, and every step of a training of shared weights."""
        table = models.Campaign
        sums = (func.coalesce(func.sum(each), 0) for each in (table.last_event, _SHARED_STEP))
        with self._database.single_statement() as connection:
            count, events, steps, newest = connection.execute(select(func.count(), *sums, func.max(table.id))).one()
        return f"{count}.{events}.{steps}.{newest}"
