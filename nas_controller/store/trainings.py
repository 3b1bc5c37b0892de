"""Trainings: requests of the service, and queries. `training_writes` has what supervisors and processes write."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from nas_controller.entities import EventDocument, TrainingDocument, TrainingProgressDocument
from nas_controller.search.resources_spec import ResourcesSpec
from nas_controller.states import TRAINING_STATES, TrainingStart
from nas_controller.store import models
from nas_controller.store.campaign_ids import new_training_id
from nas_controller.store.clock import Clock
from nas_controller.store.cursors import checked_limit, decode, encode
from nas_controller.store.database import Database
from nas_controller.store.jobs import find_job
from nas_controller.store.mappers import record_of
from nas_controller.store.records import Page
from nas_controller.store.row_lookup import bounded, find_trial, valid_id
from nas_controller.store.transitions import move_training
from search_space.errors import InvalidValueError


@dataclass(frozen=True)
class TrainingRequest:
    """What is to be trained, checked: a model of the catalogue, or a block specification, which may be of a trial.

    `start_model` names the model directory of the trial's finals, or the training, that it starts from, if it does.
    """

    name: str
    task: str
    dataset: str
    recipe: str
    seed: int
    start: TrainingStart
    campaign_id: str | None = None
    trial: int | None = None
    model: str | None = None
    specification: dict[str, Any] | None = None
    start_model: str | None = None
    overrides: dict[str, Any] = field(default_factory=dict)
    resources: dict[str, Any] = field(default_factory=lambda: ResourcesSpec().model_dump())


class TrainingRecord(TrainingDocument):
    """A training. `failures` counts its processes since the last evaluation that ended without saying why."""

    start_model: str | None = Field(exclude=True)
    failures: int = Field(exclude=True)


class TrainingsQuery:
    """Reads trainings. All raise StoreUnavailableError when the database is unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get_training(self, training_id: str) -> TrainingRecord:
        """The training. Raises NotFoundError."""
        with self._database.reading() as session:
            return training_record(find_job(session, models.Training, "training", training_id))

    def list_trainings(
        self, state: str | None = None, campaign_id: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[TrainingRecord]:
        """Trainings, newest first, of one state or of all, and of one campaign or of all.

        Raises InvalidValueError for an invalid state, limit (1 to 1,000) or cursor.
        """
        table = models.Training
        if state is not None and state not in TRAINING_STATES:
            raise InvalidValueError(f"state '{state}' is not one of {', '.join(TRAINING_STATES)}", field="state")
        query = select(table).order_by(table.id.desc()).limit(checked_limit(limit) + 1)
        if state is not None:
            query = query.where(table.state == state)
        if campaign_id is not None:
            query = query.where(table.campaign_id == valid_id(campaign_id))
        if cursor is not None:
            query = query.where(table.id < decode(cursor, (str,))[0])
        with self._database.reading() as session:
            rows = session.scalars(query).all()
        items = tuple(training_record(row) for row in rows[:limit])
        return Page(items, encode([items[-1].id]) if len(rows) > limit else None)

    def training_events_after(self, training_id: str, sequence: int = 0, limit: int = 100) -> tuple[EventDocument, ...]:
        """Up to `limit` events of a training later than `sequence`, oldest first; empty when there are none yet.

        Kinds: `training.created`, `training.started`, `training.evaluated`, `training.interrupted`,
        `training.stopping`, `training.stopped`, `training.resumed`, `training.completed`, `training.failed`. Raises
        NotFoundError, and InvalidValueError for a limit outside 1 to 1,000.
        """
        table = models.TrainingEvent
        query = (
            select(table.sequence, table.at, table.kind, table.data)
            .where(table.training_id == valid_id(training_id), table.sequence > bounded(sequence))
            .order_by(table.sequence)
            .limit(checked_limit(limit))
        )
        with self._database.reading() as session:
            find_job(session, models.Training, "training", training_id)
            return tuple(record_of(EventDocument, row) for row in session.connection().execute(query))


class TrainingRequests:
    """Writes of the service. All raise StoreUnavailableError."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create_training(self, request: TrainingRequest, training_id: str | None = None) -> TrainingRecord:
        """A new training, which is queued; the one with this id if the same request has created it before.

        Raises NotFoundError for an unknown trial.
        """
        now = self._clock()
        with self._database.writing() as session:
            if training_id is not None and (row := session.get(models.Training, training_id)) is not None:
                return training_record(row)
            if request.campaign_id is not None and request.trial is not None:
                find_trial(session, request.campaign_id, request.trial)
            counts = {"attempts": 0, "failures": 0, "last_event": 0, "device_seconds": 0.0, "earlier_seconds": 0.0}
            times = {"created_at": now, "queued_at": now}
            row = models.Training(
                id=training_id or new_training_id(now), state="queued", **asdict(request), **counts, **times
            )
            session.add(row)
            session.flush()
            add_training_event(session, row, now, "created", {"name": row.name})
            session.flush()
            return training_record(row)

    def stop_training(self, training_id: str) -> TrainingRecord:
        """Requests a stop: a queued training is stopped at once, a running one once it has saved its checkpoint.

        Raises NotFoundError, and ConflictError for a training that has completed or failed.
        """
        now = self._clock()
        with self._database.writing() as session:
            row = find_job(session, models.Training, "training", training_id, lock=True)
            if move_training(row, "stop"):
                row.finished_at = now if row.state == "stopped" else None
                add_training_event(session, row, now, row.state, {})
            session.flush()
            return training_record(row)

    def resume_training(self, training_id: str) -> TrainingRecord:
        """Queues a stopped or failed training, which continues from its checkpoint; another does not change.

        Raises NotFoundError, and ConflictError for a training that is stopping or has completed.
        """
        now = self._clock()
        with self._database.writing() as session:
            row = find_job(session, models.Training, "training", training_id, lock=True)
            if move_training(row, "resume"):
                row.queued_at, row.failures = now, 0
                row.error = row.log_tail = row.finished_at = None
                add_training_event(session, row, now, "resumed", {})
            session.flush()
            return training_record(row)


def training_record(row: models.Training) -> TrainingRecord:
    """The record of a training's row."""
    progress = None if row.progress is None else TrainingProgressDocument.model_validate(row.progress)
    start = row.start_model if row.start == "training" else row.start
    return record_of(TrainingRecord, row, progress=progress, start=start)


def add_training_event(session: Session, row: models.Training, now: datetime, kind: str, data: dict[str, Any]) -> None:
    """Appends the event `training.<kind>` to a locked training."""
    row.last_event += 1
    event = models.TrainingEvent(
        training_id=row.id, sequence=row.last_event, at=now, kind=f"training.{kind}", data=data
    )
    session.add(event)
