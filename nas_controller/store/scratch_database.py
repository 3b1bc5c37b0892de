"""A database in memory for one thread, from which a whole campaign is copied into another database at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, event, select
from sqlalchemy.orm import DeclarativeBase, Session

from nas_controller.store import models
from nas_controller.store.bulk_insert import CampaignRows, Row
from nas_controller.store.database import Database

_RECENT_ROWS = 256


class ScratchDatabase(Database):
    """All reads and writes share one session, whose transaction never ends: no commit and no reload slows them down.

    An error leaves it in an undefined state.
    """

    def __init__(self) -> None:
        super().__init__("sqlite://")
        models.Base.metadata.create_all(self.engine)
        self._session = _SoleSession(self.engine, expire_on_commit=False)
        # Sessions reference rows weakly. The campaign and the latest rows are needed again, so they stay in memory.
        self._campaigns: list[object] = []
        self._recent: deque[object] = deque(maxlen=_RECENT_ROWS)
        event.listen(self._session, "pending_to_persistent", self._hold)

    @contextmanager
    def looking(self) -> Iterator[Connection]:
        with self._translated():
            yield self._session.connection()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        with self._translated():
            yield self._session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        with self._translated():
            yield self._session
            self._session.flush()

    def close(self) -> None:
        """Discards everything."""
        self._session.close()
        super().close()

    def campaign_rows(self) -> CampaignRows:
        """The rows of the only campaign."""
        (campaign,) = self._rows(models.Campaign)
        return CampaignRows(
            campaign,
            self._rows(models.Trial),
            self._rows(models.Attempt),
            self._rows(models.Measurement),
            self._rows(models.Event),
            next(iter(self._rows(models.ControllerState)), None),
        )

    def _hold(self, _session: Session, row: object) -> None:
        (self._campaigns if isinstance(row, models.Campaign) else self._recent).append(row)

    def _rows(self, model: type[DeclarativeBase]) -> list[Row]:
        with self.looking() as connection:
            return [dict(row) for row in connection.execute(select(model.__table__)).mappings()]


class _SoleSession(Session):
    """A session without rivals: nothing it has in memory can be outdated, so locking a row reads nothing again."""

    def get(self, entity: Any, ident: Any, **options: Any) -> Any:
        """The row; from memory where it is there."""
        options.pop("with_for_update", None)
        return super().get(entity, ident, **options)
