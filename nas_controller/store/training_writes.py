"""What supervisors and the processes that train write about trainings; `jobs` has claims and attempts.

A suspended training continues from its checkpoint.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from nas_controller.entities import TrainingProgressDocument
from nas_controller.states import TRAINING_TRANSITIONS, TrainingEvent
from nas_controller.store import models
from nas_controller.store.jobs import JobWrites
from nas_controller.store.sanitising import sanitise
from nas_controller.store.trainings import TrainingRecord, add_training_event, training_record
from nas_controller.store.transitions import allowed_states, move_training

RETRIES = 3
"""How many further processes a training gets after one that exited without a result; an evaluation resets the count."""

Figures = dict[str, float | None]


class TrainingWrites(JobWrites[models.Training, TrainingRecord]):
    """Writes of supervisors and of the processes that train. All raise StoreUnavailableError.

    Those with an `attempt` raise LeaseLostError unless it is the latest of a training that runs or is stopping.
    `seconds` is the device time of the attempt up to this call.
    """

    _table = models.Training
    noun = "training"
    active = allowed_states(TRAINING_TRANSITIONS, "suspend")
    retries = RETRIES

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
            row = self._active(session, training_id, attempt)
            self._report(session, row, progress, seconds, figures, is_evaluated=is_evaluated)

    def complete_training(
        self, training_id: str, attempt: int, progress: TrainingProgressDocument, seconds: float, figures: Figures
    ) -> None:
        """Ends a training after its last step."""
        with self._database.writing() as session:
            row = self._active(session, training_id, attempt)
            self._report(session, row, progress, seconds, figures)
            row.error = row.log_tail = None
            self._end(session, row, "complete", {"figures": figures})

    def fail_training(self, training_id: str, attempt: int, error: str, seconds: float) -> None:
        """Ends a training with an error that another attempt would have too."""
        with self._database.writing() as session:
            row = self._active(session, training_id, attempt)
            row.device_seconds = row.earlier_seconds + seconds
            row.error, row.log_tail = sanitise(error), None
            self._give_up(session, row)

    def suspend_training(self, training_id: str, attempt: int, seconds: float) -> None:
        """Ends an attempt that has saved its checkpoint: a training that is stopping is stopped, another is queued."""
        with self._database.writing() as session:
            row = self._active(session, training_id, attempt)
            row.device_seconds = row.earlier_seconds + seconds
            self._suspend(session, row)

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

    def _record(self, row: models.Training) -> TrainingRecord:
        return training_record(row)

    def _begin(self, session: Session, row: models.Training) -> None:
        now = self._clock()
        move_training(row, "claim")
        row.earlier_seconds, row.started_at = row.device_seconds, row.started_at or now
        add_training_event(session, row, now, "started", {"attempt": row.attempts})

    def _suspend(self, session: Session, row: models.Training, *, is_lost: bool = False) -> None:
        if is_lost:
            add_training_event(session, row, self._clock(), "interrupted", {"error": row.error})
        move_training(row, "suspend")
        row.owner = None
        if row.state == "stopped":
            row.finished_at = self._clock()
            add_training_event(session, row, row.finished_at, "stopped", {})

    def _give_up(self, session: Session, row: models.Training) -> None:
        self._end(session, row, "fail", {"error": row.error})

    def _end(self, session: Session, row: models.Training, event: TrainingEvent, data: dict[str, Any]) -> None:
        move_training(row, event)
        row.owner, row.finished_at = None, self._clock()
        add_training_event(session, row, row.finished_at, row.state, data)
