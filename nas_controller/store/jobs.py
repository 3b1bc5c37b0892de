"""Jobs of supervisors, such as exports and trainings: claims, attempts, and what follows a process that was killed.

A supervisor claims a job and starts a process for it, one attempt. Writes of that process name the attempt, and only
the latest attempt of an active job may write. There is no lease: a job whose supervisor is not alive, by its
heartbeats, is queued again, and the attempt that it had can write nothing any more.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import timedelta
from typing import ClassVar, Generic, TypeVar

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from nas_controller.entities import Document
from nas_controller.store import models
from nas_controller.store.clock import Clock
from nas_controller.store.database import Database
from nas_controller.store.errors import LeaseLostError, NotFoundError
from nas_controller.store.row_lookup import valid_id
from nas_controller.store.sanitising import sanitise
from nas_controller.store.supervisors import ALIVE_SECONDS

Row = TypeVar("Row", models.Export, models.Training)
JobRecord = TypeVar("JobRecord", bound=Document)


class JobWrites(ABC, Generic[Row, JobRecord]):
    """Writes of supervisors about the jobs of one table. All raise StoreUnavailableError.

    `noun` names a job in messages. A job that is `active` has a process; one whose process ended without saying why
    gets `retries` further ones.
    """

    _table: type[Row]
    noun: ClassVar[str]
    active: ClassVar[tuple[str, ...]]
    retries: ClassVar[int]

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def claim(self, owner: str) -> JobRecord | None:
        """Begins an attempt at the job that is queued longest, for the supervisor `owner`; None without any."""
        table = self._table
        query = select(table).where(table.state == "queued").order_by(table.queued_at, table.id).limit(1)
        if not self._is_any(table.state == "queued"):  # a supervisor asks twice a second
            return None
        with self._database.writing() as session:
            row = session.scalars(query.with_for_update(skip_locked=True)).one_or_none()
            if row is None:
                return None
            row.owner = owner
            row.attempts += 1
            self._begin(session, row)
            session.flush()
            return self._record(row)

    def lose(self, job_id: str, attempt: int, error: str, log_tail: str) -> JobRecord:
        """Ends an attempt whose process ended without a result: the job is queued again, `retries` times, and then
        fails. Raises LeaseLostError unless it is the latest of an active job.
        """
        with self._database.writing() as session:
            row = self._active(session, job_id, attempt)
            if row.state == "running":  # one that is stopping has lost nothing
                row.failures += 1
                row.error, row.log_tail = sanitise(error), sanitise(log_tail)
            if row.failures > self.retries:
                self._give_up(session, row)
            else:
                self._suspend(session, row, is_lost=row.state == "running")
            session.flush()
            return self._record(row)

    def requeue(self, job_id: str, attempt: int, *, last: bool = False) -> None:
        """Suspends a job whose attempt has to wait, which counts as no failure; `last` lets other jobs go first.

        Raises LeaseLostError as `lose`.
        """
        with self._database.writing() as session:
            row = self._active(session, job_id, attempt)
            self._suspend(session, row)
            if last:
                row.queued_at = self._clock()

    def release(self, owner: str) -> None:
        """Suspends the jobs of a supervisor that ends. Their attempts count as no failure."""
        with self._database.writing() as session:
            rows = session.scalars(select(self._table).where(self._table.owner == owner).with_for_update())
            for row in rows.all():
                self._suspend(session, row)

    def release_lost(self) -> int:
        """Suspends the jobs whose supervisor is not alive, and returns their number."""
        supervisor, table = models.Supervisor, self._table
        alive = select(supervisor.id).where(supervisor.seen_at >= self._clock() - timedelta(seconds=ALIVE_SECONDS))
        is_lost = table.state.in_(self.active) & table.owner.not_in(alive)
        if not self._is_any(is_lost):
            return 0
        with self._database.writing() as session:
            rows = session.scalars(select(table).where(is_lost).with_for_update()).all()
            for row in rows:
                self._suspend(session, row)
            return len(rows)

    @abstractmethod
    def _record(self, row: Row) -> JobRecord:
        """The record of a row."""

    @abstractmethod
    def _begin(self, session: Session, row: Row) -> None:
        """Makes a claimed job running."""

    @abstractmethod
    def _suspend(self, session: Session, row: Row, *, is_lost: bool = False) -> None:
        """Ends the attempt of a job, which is queued again or stopped; `is_lost` says that its process has died."""

    @abstractmethod
    def _give_up(self, session: Session, row: Row) -> None:
        """Ends a job that has failed with the error of its row."""

    def _active(self, session: Session, job_id: str, attempt: int) -> Row:
        """The locked row of a job that this attempt may write to. Raises LeaseLostError."""
        row = find_job(session, self._table, self.noun, job_id, lock=True)
        if row.state not in self.active or row.attempts != attempt:
            raise LeaseLostError(f"{self.noun} '{job_id}' is {row.state}; attempt {attempt} at it may write no more")
        return row

    def _is_any(self, condition: ColumnElement[bool]) -> bool:
        with self._database.single_statement() as connection:
            return connection.execute(select(self._table.id).where(condition).limit(1)).first() is not None


def find_job(session: Session, table: type[Row], noun: str, job_id: str, *, lock: bool = False) -> Row:
    """The row of a job, locked for a writer with `lock`. Raises NotFoundError."""
    row = session.get(table, valid_id(job_id), with_for_update=lock or None)
    if row is None:
        raise NotFoundError(f"there is no {noun} '{job_id}'", field=f"{noun}_id")
    return row
