"""Requests and results of exports that are made in a process of their own. `jobs` has their claims and attempts."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from pydantic import Field
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from nas_controller.entities import ExportDocument
from nas_controller.states import WeightsKind
from nas_controller.store import models
from nas_controller.store.campaign_ids import new_export_id
from nas_controller.store.clock import Clock
from nas_controller.store.database import Database
from nas_controller.store.errors import ConflictError
from nas_controller.store.jobs import JobWrites, find_job
from nas_controller.store.mappers import record_of
from nas_controller.store.row_lookup import bounded, find_trial, require_campaign
from nas_controller.store.sanitising import sanitise

RETRIES = 1
"""How many further processes an export gets after one that exited without a result."""
NEWEST_EXPORTS = 100
"""The most of one trial or training that a query returns."""


@dataclass(frozen=True)
class ExportRequest:
    """What is to be made: a trial, or the best model of a training, in a format with weights.

    `model` is the name of the directory for weights of finals, and the digest of the configuration for weights of a
    training. `cache_key` is the digest of all that the content of the file depends on. `lowest_score` is only for
    detections: the lowest score of one that is drawn.
    """

    cache_key: str
    format: str
    weights: WeightsKind
    model: str | None
    about: str
    file_name: str
    media_type: str
    campaign_id: str | None = None
    trial: int | None = None
    training_id: str | None = None
    lowest_score: float | None = None


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
            return record_of(ExportRecord, find_job(session, models.Export, "export", export_id))

    def find_export(self, cache_key: str) -> ExportRecord | None:
        """The export with this key; None if it was never requested."""
        with self._database.reading() as session:
            row = session.scalars(select(models.Export).where(models.Export.cache_key == cache_key)).one_or_none()
            return None if row is None else record_of(ExportRecord, row)

    def exports_of_trial(self, campaign_id: str, trial: int) -> tuple[ExportRecord, ...]:
        """The exports of a trial, newest first. Raises NotFoundError."""
        table = models.Export
        with self._database.reading() as session:
            require_campaign(session, campaign_id)
            find_trial(session, campaign_id, trial)
            return _newest(session, (table.campaign_id == campaign_id) & (table.trial == bounded(trial)))

    def exports_of_training(self, training_id: str) -> tuple[ExportRecord, ...]:
        """The exports of a training, newest first. Raises NotFoundError."""
        with self._database.reading() as session:
            training = find_job(session, models.Training, "training", training_id)
            return _newest(session, models.Export.training_id == training.id)

    def completed_exports(self) -> tuple[ExportRecord, ...]:
        """All exports with a file, oldest first."""
        table = models.Export
        with self._database.reading() as session:
            rows = session.scalars(select(table).where(table.state == "completed").order_by(table.finished_at))
            return tuple(record_of(ExportRecord, row) for row in rows)


def _newest(session: Session, condition: ColumnElement[bool]) -> tuple[ExportRecord, ...]:
    table = models.Export
    query = select(table).where(condition).order_by(table.created_at.desc(), table.id.desc()).limit(NEWEST_EXPORTS)
    return tuple(record_of(ExportRecord, row) for row in session.scalars(query))


class ExportRequests:
    """Writes of the service."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._query = ExportsQuery(database)

    def request_export(self, request: ExportRequest) -> ExportRecord:
        """The export of this key: the one that exists, or a new one. One that has failed or was removed is queued.

        Raises NotFoundError for an unknown trial or training, and StoreUnavailableError.
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
            if request.campaign_id is not None and request.trial is not None:
                find_trial(session, request.campaign_id, request.trial)
            if request.training_id is not None:
                find_job(session, models.Training, "training", request.training_id)
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


class ExportWrites(JobWrites[models.Export, ExportRecord]):
    """Writes of supervisors and of the processes that make exports. All raise StoreUnavailableError.

    Those with an `attempt` raise LeaseLostError unless it is the latest of a running export.
    """

    _table = models.Export
    noun = "export"
    active = ("running",)
    retries = RETRIES

    def record_export_progress(self, export_id: str, attempt: int, progress: str) -> None:
        """Writes what is being done."""
        with self._database.writing() as session:
            self._active(session, export_id, attempt).progress = sanitise(progress)

    def complete_export(self, export_id: str, attempt: int, size_bytes: int, sha256: str) -> None:
        """Ends an attempt with a file of this size and digest."""
        with self._database.writing() as session:
            row = self._active(session, export_id, attempt)
            row.state, row.size_bytes, row.sha256 = "completed", size_bytes, sha256
            row.error = row.log_tail = row.progress = row.owner = None
            row.finished_at = self._clock()

    def fail_export(self, export_id: str, attempt: int, error: str) -> None:
        """Ends an attempt with an error that another attempt would have too."""
        with self._database.writing() as session:
            row = self._active(session, export_id, attempt)
            row.error, row.log_tail = sanitise(error), None
            self._give_up(session, row)

    def remove_export(self, export_id: str) -> None:
        """Records that the file of a completed export makes room for others."""
        with self._database.writing() as session:
            row = find_job(session, models.Export, self.noun, export_id, lock=True)
            if row.state == "completed":
                row.state = "removed"

    def _record(self, row: models.Export) -> ExportRecord:
        return record_of(ExportRecord, row)

    def _begin(self, session: Session, row: models.Export) -> None:
        row.state, row.started_at, row.progress = "running", self._clock(), None

    def _suspend(self, session: Session, row: models.Export, *, is_lost: bool = False) -> None:
        row.state, row.owner, row.progress, row.started_at = "queued", None, None, None

    def _give_up(self, session: Session, row: models.Export) -> None:
        row.state, row.owner, row.progress, row.finished_at = "failed", None, None, self._clock()
