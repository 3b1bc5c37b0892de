"""Versions of campaigns, for ETags: while a version is unchanged, so are all responses.

Everything changes with an event, except what the workers of trials, finals and shared weights report: that they have
begun, their progress and learning curves. The campaign's row counts these reports. A campaign by itself shows those of
its shared weights only, so its version has the step of their training, and whether a worker has begun it, instead.
"""

from __future__ import annotations

from sqlalchemy import case, func, select

from nas_controller.store import models
from nas_controller.store.database import Database
from nas_controller.store.row_lookup import campaign_values

_SHARED_STEP = func.coalesce(models.Campaign.shared_training["step"].as_integer(), 0)
_SHARED_BEGUN = case((models.Campaign.shared_training["worker_started_at"].as_string().is_not(None), 1), else_=0)


class EtagVersions:
    """Versions. All raise StoreUnavailableError when the database is unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def campaign_version(self, campaign_id: str, *, progress: bool = True) -> str:
        """Changes with the campaign and its trials; without `progress`, not with reports of trials and finals.

        Raises NotFoundError.
        """
        table = models.Campaign
        reports = (table.progress_reports,) if progress else (_SHARED_STEP, _SHARED_BEGUN)
        with self._database.single_statement() as connection:
            return ".".join(map(str, campaign_values(connection, campaign_id, table.last_event, *reports)))

    def campaigns_version(self) -> str:
        """Changes with every new campaign, every event, and the begin and each step of a training of shared weights."""
        table = models.Campaign
        sums = (func.coalesce(func.sum(each), 0) for each in (table.last_event, _SHARED_STEP, _SHARED_BEGUN))
        with self._database.single_statement() as connection:
            found = connection.execute(select(func.count(), *sums, func.max(table.id))).one()
        return ".".join(map(str, found))
