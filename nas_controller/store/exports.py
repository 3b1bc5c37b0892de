"""Exports that a process of their own makes: requests, attempts and results.

A supervisor claims an export and starts a process for it, one attempt. Writes of that process name the attempt, and
only the latest attempt of a running export may write. Supervisors have no lease of an export: one whose supervisor is
not alive, by its heartbeats, is queued again, and the attempt that it had can write nothing any more.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta

from pydantic import Field
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from nas_controller.entities import ExportDocument
from nas_controller.states import WeightsKind
from nas_controller.store import models
from nas_controller.store.campaign_ids import new_export_id
from nas_controller.store.clock import Clock
from nas_controller.store.database import Database
from nas_controller.store.errors import ConflictError, LeaseLostError, NotFoundError
from nas_controller.store.mappers import record_of
from nas_controller.store.row_lookup import bounded, find_trial, require_campaign, valid_id
from nas_controller.store.sanitising import sanitise
from nas_controller.store.supervisors import ALIVE_SECONDS

RETRIES = 1
"""How many further processes an export gets after one that was killed or ended with an error of its own."""
EXPORTS_OF_TRIAL = 100
"""The most that `exports_of_trial` returns."""


@dataclass(frozen=True)
class ExportRequest:
    """What is to be made: a trial in a format with weights; `model` names the directory of those of finals.

    `cache_key` is the digest of all that the content of the file depends on.
    """

    cache_key: str
    campaign_id: str
    trial: int
    format: str
    weights: WeightsKind
    model: str | None
    about: str
    file_name: str
    media_type: str


class ExportRecord(ExportDocument):
    """An export. `failures` counts its processes that ended without a result or a reason since it was requested."""

    model: str | None = Field(exclude=True)
    failures: int = Field(exclude=True)


class ExportsQuery:
    """Reads exports. All raise StoreUnavailableError when the database is unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get_export(self, export_id: str) -> ExportRecord:
        """The export. Raises NotFoundError."""
        with self._database.reading() as session:
            return record_of(ExportRecord, _find(session, export_id))

    def find_export(self, cache_key: str) -> ExportRecord | None:
        """The export with this key; None if it was never requested."""
        with self._database.reading() as session:
            row = session.scalars(select(models.Export).where(models.Export.cache_key == cache_key)).one_or_none()
            return None if row is None else record_of(ExportRecord, row)

    def exports_of_trial(self, campaign_id: str, trial: int) -> tuple[ExportRecord, ...]:
        """The exports of a trial, newest first. Raises NotFoundError."""
        table = models.Export
        query = select(table).where(table.campaign_id == campaign_id, table.trial == bounded(trial))
        with self._database.reading() as session:
            require_campaign(session, campaign_id)
            find_trial(session, campaign_id, trial)
            rows = session.scalars(query.order_by(table.created_at.desc(), table.id.desc()).limit(EXPORTS_OF_TRIAL))
            return tuple(record_of(ExportRecord, row) for row in rows)

    def completed_exports(self) -> tuple[ExportRecord, ...]:
        """All exports with a file, oldest first."""
        table = models.Export
        with self._database.reading() as session:
            rows = session.scalars(select(table).where(table.state == "completed").order_by(table.finished_at))
            return tuple(record_of(ExportRecord, row) for row in rows)


class ExportRequests:
    """Writes of the service."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._query = ExportsQuery(database)

    def request_export(self, request: ExportRequest) -> ExportRecord:
        """The export of this key: the one that exists, or a new one. One that has failed or was removed is queued.

        Raises NotFoundError for an unknown trial, and StoreUnavailableError.
        """
        try:
            return self._request(request)
        except ConflictError:  # another request with this key was first
            found = self._query.find_export(request.cache_key)
            if found is None:
                raise
            return found

    def _request(self, request: ExportRequest) -> ExportRecord:
        now = self._clock()
        table = models.Export
        with self._database.writing() as session:
            find_trial(session, request.campaign_id, request.trial)
            key = table.cache_key == request.cache_key
            row = session.scalars(select(table).where(key).with_for_update()).one_or_none()
            if row is None:
                row = table(id=new_export_id(now), **asdict(request), created_at=now, attempts=0)
                session.add(row)
            elif row.state not in ("failed", "removed"):
                return record_of(ExportRecord, row)
            row.state, row.queued_at, row.failures = "queued", now, 0
            row.error = row.log_tail = row.started_at = row.finished_at = row.size_bytes = row.sha256 = None
            session.flush()
            return record_of(ExportRecord, row)


class ExportWrites:
    """Writes of supervisors and of the processes that make exports. All raise StoreUnavailableError.

    Those with an `attempt` raise LeaseLostError unless it is the latest of a running export.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def claim_export(self, owner: str) -> ExportRecord | None:
        """Begins an attempt at the export that is queued longest, for the supervisor `owner`; None without any."""
        table, now = models.Export, self._clock()
        query = select(table).where(table.state == "queued").order_by(table.queued_at, table.id).limit(1)
        if not self._is_any(table.state == "queued"):  # a supervisor asks twice a second
            return None
        with self._database.writing() as session:
            row = session.scalars(query.with_for_update(skip_locked=True)).one_or_none()
            if row is None:
                return None
            row.state, row.owner, row.started_at, row.progress = "running", owner, now, None
            row.attempts += 1
            session.flush()
            return record_of(ExportRecord, row)

    def record_export_progress(self, export_id: str, attempt: int, progress: str) -> None:
        """Writes what is being done."""
        with self._database.writing() as session:
            _running(session, export_id, attempt).progress = sanitise(progress)

    def complete_export(self, export_id: str, attempt: int, size_bytes: int, sha256: str) -> None:
        """Ends an attempt with a file of this size and digest."""
        with self._database.writing() as session:
            row = _running(session, export_id, attempt)
            row.state, row.size_bytes, row.sha256 = "completed", size_bytes, sha256
            row.error = row.log_tail = row.progress = row.owner = None
            row.finished_at = self._clock()

    def fail_export(self, export_id: str, attempt: int, error: str) -> None:
        """Ends an attempt with an error that another attempt would have too."""
        with self._database.writing() as session:
            row = _running(session, export_id, attempt)
            row.state, row.error = "failed", sanitise(error)
            row.log_tail = row.progress = row.owner = None
            row.finished_at = self._clock()

    def lose_export(self, export_id: str, attempt: int, error: str, log_tail: str) -> ExportRecord:
        """Ends an attempt whose process ended without a result: it is queued again, RETRIES times, and then fails."""
        now = self._clock()
        with self._database.writing() as session:
            row = _running(session, export_id, attempt)
            row.failures += 1
            row.error, row.log_tail = sanitise(error), sanitise(log_tail)
            row.owner = row.progress = None
            row.state = "failed" if row.failures > RETRIES else "queued"
            row.finished_at = now if row.state == "failed" else None
            session.flush()
            return record_of(ExportRecord, row)

    def release_exports(self, owner: str) -> None:
        """Queues the running exports of a supervisor that ends. Their attempts count as no failure."""
        with self._database.writing() as session:
            for row in session.scalars(select(models.Export).where(models.Export.owner == owner)):
                _queue_again(row)

    def release_lost_exports(self) -> int:
        """Queues the running exports whose supervisor is not alive, and returns their number."""
        supervisor, table = models.Supervisor, models.Export
        alive = select(supervisor.id).where(supervisor.seen_at >= self._clock() - timedelta(seconds=ALIVE_SECONDS))
        is_lost = (table.state == "running") & table.owner.not_in(alive)
        if not self._is_any(is_lost):
            return 0
        with self._database.writing() as session:
            rows = session.scalars(select(table).where(is_lost).with_for_update()).all()
            for row in rows:
                _queue_again(row)
            return len(rows)

    def remove_export(self, export_id: str) -> None:
        """Records that the file of a completed export makes room for others."""
        with self._database.writing() as session:
            row = _find(session, export_id, lock=True)
            if row.state == "completed":
                row.state = "removed"

    def _is_any(self, condition: ColumnElement[bool]) -> bool:
        with self._database.single_statement() as connection:
            return connection.execute(select(models.Export.id).where(condition).limit(1)).first() is not None


def _find(session: Session, export_id: str, *, lock: bool = False) -> models.Export:
    row = session.get(models.Export, valid_id(export_id), with_for_update=lock or None)
    if row is None:
        raise NotFoundError(f"there is no export '{export_id}'", field="export_id")
    return row


def _running(session: Session, export_id: str, attempt: int) -> models.Export:
    row = _find(session, export_id, lock=True)
    if row.state != "running" or row.attempts != attempt:
        raise LeaseLostError(f"export '{export_id}' is {row.state}; attempt {attempt} at it may write no more")
    return row


def _queue_again(row: models.Export) -> None:
    row.state, row.owner, row.progress, row.started_at = "queued", None, None, None
