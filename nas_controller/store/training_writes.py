"""What supervisors and the processes that train write about trainings.

A supervisor claims a training and starts a process for it, one attempt. Writes of that process name the attempt, and
only the latest attempt of a training that runs or is stopping may write. As for exports, there is no lease: a training
whose supervisor is not alive, by its heartbeats, is queued again, and continues from its checkpoint.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from nas_controller.entities import TrainingProgressDocument
from nas_controller.states import TRAINING_TRANSITIONS, TrainingEvent
from nas_controller.store import models
from nas_controller.store.clock import Clock
from nas_controller.store.database import Database
from nas_controller.store.errors import LeaseLostError
from nas_controller.store.sanitising import sanitise
from nas_controller.store.supervisors import ALIVE_SECONDS
from nas_controller.store.trainings import TrainingRecord, add_training_event, find_training, training_record
from nas_controller.store.transitions import allowed_states, move_training

RETRIES = 3
"""How many further processes a training gets after one that ended without saying why; an evaluation counts anew."""
ACTIVE_STATES = allowed_states(TRAINING_TRANSITIONS, "suspend")
"""The states of a training with a process."""

Figures = dict[str, float | None]


class TrainingWrites:
    """Writes of supervisors and of the processes that train. All raise StoreUnavailableError.

    Those with an `attempt` raise LeaseLostError unless it is the latest of a training that runs or is stopping.
    `seconds` are those of the attempt so far.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def claim_training(self, owner: str) -> TrainingRecord | None:
        """Begins an attempt at the training that is queued longest, for the supervisor `owner`; None without any."""
        table, now = models.Training, self._clock()
        query = select(table).where(table.state == "queued").order_by(table.queued_at, table.id).limit(1)
        if not self._is_any(table.state == "queued"):  # a supervisor asks twice a second
            return None
        with self._database.writing() as session:
            row = session.scalars(query.with_for_update(skip_locked=True)).one_or_none()
            if row is None:
                return None
            move_training(row, "claim")
            row.owner, row.earlier_seconds = owner, row.device_seconds
            row.started_at = row.started_at or now
            row.attempts += 1
            add_training_event(session, row, now, "started", {"attempt": row.attempts})
            session.flush()
            return training_record(row)

    def record_training_progress(
        self,
        training_id: str,
        attempt: int,
        progress: TrainingProgressDocument,
        seconds: float,
        figures: Figures | None = None,
        *,
        is_evaluated: bool = False,
    ) -> None:
        """Writes how far a training is, and the figures of its best evaluation; `is_evaluated` adds an event."""
        with self._database.writing() as session:
            row = _active(session, training_id, attempt)
            self._report(session, row, progress, seconds, figures, is_evaluated=is_evaluated)

    def complete_training(
        self, training_id: str, attempt: int, progress: TrainingProgressDocument, seconds: float, figures: Figures
    ) -> None:
        """Ends a training after its last step."""
        with self._database.writing() as session:
            row = _active(session, training_id, attempt)
            self._report(session, row, progress, seconds, figures)
            row.error = row.log_tail = None
            self._end(session, row, "complete", {"figures": figures})

    def fail_training(self, training_id: str, attempt: int, error: str, seconds: float) -> None:
        """Ends a training with an error that another attempt would have too."""
        with self._database.writing() as session:
            row = _active(session, training_id, attempt)
            row.device_seconds = row.earlier_seconds + seconds
            row.error, row.log_tail = sanitise(error), None
            self._end(session, row, "fail", {"error": row.error})

    def suspend_training(self, training_id: str, attempt: int, seconds: float) -> None:
        """Ends an attempt that has saved its checkpoint: a training that is stopping is stopped, another is queued."""
        with self._database.writing() as session:
            row = _active(session, training_id, attempt)
            row.device_seconds = row.earlier_seconds + seconds
            self._suspend(session, row)

    def lose_training(self, training_id: str, attempt: int, error: str, log_tail: str) -> TrainingRecord:
        """Ends an attempt whose process ended without a result: the training is queued again, RETRIES times, and then
        fails; one that is stopping is stopped.
        """
        with self._database.writing() as session:
            row = _active(session, training_id, attempt)
            if row.state == "stopping":
                self._suspend(session, row)
                session.flush()
                return training_record(row)
            row.failures += 1
            row.error, row.log_tail = sanitise(error), sanitise(log_tail)
            if row.failures > RETRIES:
                self._end(session, row, "fail", {"error": row.error})
            else:
                add_training_event(session, row, self._clock(), "interrupted", {"error": row.error})
                self._suspend(session, row)
            session.flush()
            return training_record(row)

    def release_trainings(self, owner: str) -> None:
        """Suspends the trainings of a supervisor that ends. Their attempts count as no failure."""
        with self._database.writing() as session:
            rows = session.scalars(select(models.Training).where(models.Training.owner == owner).with_for_update())
            for row in rows.all():
                self._suspend(session, row)

    def release_lost_trainings(self) -> int:
        """Suspends the trainings whose supervisor is not alive, and returns their number."""
        supervisor, table = models.Supervisor, models.Training
        alive = select(supervisor.id).where(supervisor.seen_at >= self._clock() - timedelta(seconds=ALIVE_SECONDS))
        is_lost = table.state.in_(ACTIVE_STATES) & table.owner.not_in(alive)
        if not self._is_any(is_lost):
            return 0
        with self._database.writing() as session:
            rows = session.scalars(select(table).where(is_lost).with_for_update()).all()
            for row in rows:
                self._suspend(session, row)
            return len(rows)

    def _report(
        self,
        session: Session,
        row: models.Training,
        progress: TrainingProgressDocument,
        seconds: float,
        figures: Figures | None,
        *,
        is_evaluated: bool = False,
    ) -> None:
        row.progress, row.device_seconds = progress.to_dict(), row.earlier_seconds + seconds
        if figures is not None:
            row.figures = figures
        if is_evaluated:
            row.failures = 0
            names = ("step", "steps", "epoch", "loss", "metric", "last", "best")
            add_training_event(session, row, self._clock(), "evaluated", {name: row.progress[name] for name in names})

    def _suspend(self, session: Session, row: models.Training) -> None:
        move_training(row, "suspend")
        row.owner = None
        if row.state == "stopped":
            row.finished_at = self._clock()
            add_training_event(session, row, row.finished_at, "stopped", {})

    def _end(self, session: Session, row: models.Training, event: TrainingEvent, data: dict[str, Any]) -> None:
        move_training(row, event)
        row.owner, row.finished_at = None, self._clock()
        add_training_event(session, row, row.finished_at, row.state, data)

    def _is_any(self, condition: ColumnElement[bool]) -> bool:
        with self._database.single_statement() as connection:
            return connection.execute(select(models.Training.id).where(condition).limit(1)).first() is not None


def _active(session: Session, training_id: str, attempt: int) -> models.Training:
    row = find_training(session, training_id, lock=True)
    if row.state not in ACTIVE_STATES or row.attempts != attempt:
        raise LeaseLostError(f"training '{training_id}' is {row.state}; attempt {attempt} at it may write no more")
    return row
