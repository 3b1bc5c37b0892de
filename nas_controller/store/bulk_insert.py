"""Bulk inserts of whole campaigns, for benchmarks. Nothing else bypasses the rules of `TrialWrites`."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import insert, select, text
from sqlalchemy.orm import DeclarativeBase

from nas_controller.store import models
from nas_controller.store.database import Database
from nas_controller.store.errors import ConflictError

Row = dict[str, Any]


class CampaignRows(NamedTuple):
    """A campaign as rows of the tables; `controller` is None before any outcome."""

    campaign: Row
    trials: list[Row]
    attempts: list[Row]
    measurements: list[Row]
    events: list[Row]
    controller: Row | None


class BulkInsert:
    """Bulk inserts. All raise StoreUnavailableError when the database is unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def require_empty(self) -> None:
        """Raises ConflictError if the database has any campaign."""
        with self._database.reading() as session:
            campaign_id = session.scalar(select(models.Campaign.id).limit(1))
        if campaign_id is not None:
            raise ConflictError(
                f"database {self._database.safe_url} has campaigns already ('{campaign_id}' is one); give an empty one"
            )

    def insert_campaign(self, rows: CampaignRows) -> None:
        """Writes a campaign in one transaction. Raises ConflictError if one of its rows exists already."""
        tables: tuple[tuple[type[DeclarativeBase], list[Row]], ...] = (
            (models.Campaign, [rows.campaign]),
            (models.Trial, rows.trials),
            (models.Attempt, rows.attempts),
            (models.Measurement, rows.measurements),
            (models.Event, rows.events),
            (models.ControllerState, [] if rows.controller is None else [rows.controller]),
        )
        with self._database.writing() as session:
            for model, members in tables:
                if members:
                    session.connection().execute(insert(model), members)

    def vacuum_analyze(self) -> None:
        """Vacuums and analyses a PostgreSQL database now, instead of waiting for its autovacuum."""
        if self._database.engine.dialect.name == "postgresql":
            with self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM ANALYZE"))
