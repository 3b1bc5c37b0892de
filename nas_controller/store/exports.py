"""Which files of a campaign were taken away: one row for each content, however often it went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, select, tuple_, update

from nas_controller.store import models
from nas_controller.store.clock import Clock
from nas_controller.store.cursors import checked_limit, decode, encode
from nas_controller.store.database import Database
from nas_controller.store.errors import ConflictError
from nas_controller.store.records import Page
from nas_controller.store.row_lookup import find_trial, require_campaign


@dataclass(frozen=True)
class ExportRecord:
    """A file: its content's SHA-256 and size in bytes, when it was first and last taken, and how often."""

    campaign_id: str
    trial: int
    format: str
    sha256: str
    bytes: int
    count: int
    at: datetime
    last_at: datetime

    def to_dict(self) -> dict[str, Any]:
        """The export as the service shows it."""
        names = ("trial", "format", "sha256", "bytes", "count", "at", "last_at")
        return {name: getattr(self, name) for name in names}


class Exports:
    """Recording and listing exports. All raise StoreUnavailableError when the database is away."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def record_export(self, campaign_id: str, trial: int, format: str, sha256: str, size: int) -> None:
        """Notes that a file of `size` bytes was made; the same content again counts on. Raises NotFoundError."""
        try:
            self._record_export(campaign_id, trial, format, sha256, size)
        except ConflictError:  # somebody has just made the same row
            self._record_export(campaign_id, trial, format, sha256, size)

    def _record_export(self, campaign_id: str, trial: int, format: str, sha256: str, size: int) -> None:
        now = self._clock()
        table = models.Export
        same = (table.campaign_id == campaign_id, table.trial == trial, table.format == format, table.sha256 == sha256)
        with self._database.writing() as session:
            find_trial(session, campaign_id, trial)
            again = update(table).where(*same).values(count=table.count + 1, last_at=now)
            if cast("CursorResult[Any]", session.execute(again)).rowcount == 0:
                session.add(
                    table(
                        campaign_id=campaign_id,
                        trial=trial,
                        format=format,
                        sha256=sha256,
                        bytes=size,
                        count=1,
                        at=now,
                        last_at=now,
                    )
                )

    def list_exports(self, campaign_id: str, limit: int = 100, cursor: str | None = None) -> Page[ExportRecord]:
        """Exports of a campaign by trial, format and content.

        Raises NotFoundError, and InvalidValueError for a limit (1 to 1,000) or cursor that is none.
        """
        table = models.Export
        position = (table.trial, table.format, table.sha256)
        query = select(table).where(table.campaign_id == campaign_id).order_by(*position)
        if cursor is not None:
            query = query.where(tuple_(*position) > tuple_(*decode(cursor, (int, str, str))))
        with self._database.reading() as session:
            require_campaign(session, campaign_id)
            rows = session.scalars(query.limit(checked_limit(limit) + 1)).all()
        items = tuple(_record(row) for row in rows[:limit])
        more = len(rows) > limit
        return Page(items, encode([items[-1].trial, items[-1].format, items[-1].sha256]) if more else None)


def _record(row: models.Export) -> ExportRecord:
    return ExportRecord(
        campaign_id=row.campaign_id,
        trial=row.trial,
        format=row.format,
        sha256=row.sha256,
        bytes=row.bytes,
        count=row.count,
        at=row.at,
        last_at=row.last_at,
    )
