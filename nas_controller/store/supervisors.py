"""Heartbeats of supervisors, which each writes every few seconds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import delete, select

from nas_controller.entities import SupervisorDocument
from nas_controller.store import models
from nas_controller.store.clock import Clock
from nas_controller.store.database import Database
from nas_controller.store.mappers import record_of

ALIVE_SECONDS = 30
RETENTION_HOURS = 24


class SupervisorRecord(SupervisorDocument):
    """A supervisor and its latest heartbeat."""


class SupervisorHeartbeats:
    """Heartbeats. All raise StoreUnavailableError when the database is unavailable."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def record_heartbeat(
        self,
        supervisor_id: str,
        host: str,
        pid: int,
        version: str,
        failing_sinks: Mapping[str, str] | None = None,
        processors: int | None = None,
        max_parallelism: int | None = None,
    ) -> None:
        """Records that a supervisor is alive, the cause for each sink that it cannot write, and what bounds the trials
        that it trains at once; deletes supervisors not seen for RETENTION_HOURS.
        """
        now = self._clock()
        table = models.Supervisor
        with self._database.writing() as session:
            session.execute(delete(table).where(table.seen_at <= now - timedelta(hours=RETENTION_HOURS)))
            row = session.get(table, supervisor_id)
            if row is None:
                row = table(id=supervisor_id, host=host, pid=pid, version=version, started_at=now)
                session.add(row)
            row.seen_at = now
            row.failing_sinks = dict(failing_sinks or {})
            row.processors, row.max_parallelism = processors, max_parallelism

    def remove_supervisor(self, supervisor_id: str) -> None:
        """Removes a supervisor that has shut down."""
        with self._database.writing() as session:
            session.execute(delete(models.Supervisor).where(models.Supervisor.id == supervisor_id))

    def list_supervisors(self) -> tuple[SupervisorRecord, ...]:
        """The supervisors seen within RETENTION_HOURS that have not shut down, latest seen first.

        A supervisor is alive if it was seen within ALIVE_SECONDS.
        """
        now = self._clock()
        query = select(models.Supervisor).order_by(models.Supervisor.seen_at.desc(), models.Supervisor.id)
        with self._database.reading() as session:
            rows = session.scalars(
                query.where(models.Supervisor.seen_at > now - timedelta(hours=RETENTION_HOURS))
            ).all()
        return tuple(
            record_of(SupervisorRecord, row, is_alive=now - row.seen_at <= timedelta(seconds=ALIVE_SECONDS))
            for row in rows
        )
