"""Idempotency keys: a request that is sent again gets the response of the first time.

A key is reserved before its request is processed, and the response is saved after. If the process is killed in between,
the reservation expires after RESERVATION_SECONDS, and the request is processed when it is sent again. To create no
second campaign then, the reservation fixes the id of the campaign that its request may create: `create_campaign` with
an existing id returns that campaign.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, update

from nas_controller.store import models
from nas_controller.store.campaign_ids import new_campaign_id
from nas_controller.store.clock import Clock
from nas_controller.store.database import Database
from nas_controller.store.errors import ConflictError, KeyBusyError, KeyReusedError

RETENTION_HOURS = 24
RESERVATION_SECONDS = 10.0


@dataclass(frozen=True)
class SavedResponse:
    """A response: the status, the headers that belong to it, and the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reservation:
    """The right to process the request of a key. `campaign_id` is the id of the campaign that it may create."""

    caller: str
    key: str
    campaign_id: str


class IdempotencyKeys:
    """Keys of requests. All raise StoreUnavailableError when the database is unavailable."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def reserve_key(self, caller: str, key: str, fingerprint: str) -> Reservation | SavedResponse:
        """The right to process a request, or the response that it had. Deletes keys older than RETENTION_HOURS.

        Raises KeyReusedError if the key belongs to a request of another fingerprint, and KeyBusyError while the request
        is being processed.
        """
        now = self._clock()
        held_until = now + timedelta(seconds=RESERVATION_SECONDS)
        try:
            with self._database.writing() as session:
                expired = models.IdempotencyKey.created_at <= now - timedelta(hours=RETENTION_HOURS)
                session.execute(delete(models.IdempotencyKey).where(expired))
                row = session.get(models.IdempotencyKey, (caller, key), with_for_update=True)
                if row is None:
                    row = models.IdempotencyKey(
                        caller=caller,
                        key=key,
                        fingerprint=fingerprint,
                        campaign_id=new_campaign_id(now),
                        created_at=now,
                        held_until=held_until,
                    )
                    session.add(row)
                    session.flush()
                elif row.fingerprint != fingerprint:
                    raise KeyReusedError(
                        f"idempotency key '{key}' was given to another request; a new request needs a new key"
                    )
                elif row.status is not None:
                    return SavedResponse(row.status, row.headers or {}, row.body or b"")
                elif row.held_until > now:
                    raise _busy(key)
                row.held_until = held_until
                return Reservation(caller, key, row.campaign_id)
        except ConflictError as error:  # two callers inserted the same row
            raise _busy(key) from error

    def save_response(self, reservation: Reservation, response: SavedResponse) -> None:
        """Saves the response of a request, unless one is saved already."""
        table = models.IdempotencyKey
        is_reserved = (table.caller == reservation.caller, table.key == reservation.key, table.status.is_(None))
        values = {"status": response.status, "headers": dict(response.headers), "body": response.body}
        with self._database.writing() as session:
            session.execute(update(table).where(*is_reserved).values(values))

    def release_key(self, reservation: Reservation) -> None:
        """Releases the reservation, so that the request can be processed again: its response must not be saved."""
        table = models.IdempotencyKey
        is_reserved = (table.caller == reservation.caller, table.key == reservation.key, table.status.is_(None))
        with self._database.writing() as session:
            session.execute(update(table).where(*is_reserved).values(held_until=self._clock()))


def _busy(key: str) -> KeyBusyError:
    return KeyBusyError(f"the request with idempotency key '{key}' is still being processed; retry soon")
