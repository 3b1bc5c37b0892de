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
    """Bulk inserts. All raise StoreUnavailableError when the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def require_empty(self) -> None:
        """Raises ConflictError where there is any campaign."""
        with self._database.reading() as session:
            found = session.scalar(select(models.Campaign.id).limit(1))
        if found is not None:
            raise ConflictError(
                f"database {self._database.safe_url} has campaigns already ('{found}' is one); give an empty one"
            )

    def insert_campaign(self, rows: CampaignRows) -> None:
        """Writes a campaign in one transaction. Raises ConflictError where a row of it is there already."""
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

    def settle(self) -> None:
        """Vacuums and analyses a PostgreSQL database at once, as it does itself some time after so many inserts."""
        if self._database.engine.dialect.name == "postgresql":
            with self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM ANALYZE"))
