"""Login sessions of the dashboard. As for API keys, the database has the SHA-256 of each token."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta

from sqlalchemy import delete, select

from nas_controller.store import models
from nas_controller.store.api_keys import KeyRecord, active_key, sha256
from nas_controller.store.clock import Clock
from nas_controller.store.database import Database

_TOKEN_BYTES = 32
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


class LoginSessions:
    """Creating, finding and ending sessions. All raise StoreUnavailableError when the database is unavailable."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create_session(self, key_id: str, lifetime: timedelta) -> str:
        """Creates a session of a key and returns its token. Deletes expired sessions."""
        now = self._clock()
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        with self._database.writing() as session:
            session.execute(delete(models.LoginSession).where(models.LoginSession.expires_at <= now))
            session.add(
                models.LoginSession(
                    token_sha256=sha256(token), key_id=key_id, created_at=now, expires_at=now + lifetime
                )
            )
        return token

    def identify_session(self, token: str) -> KeyRecord | None:
        """The record of a valid session's key; None if the session or its key has ended.

        The row is looked up by the token's hash, so the time that this takes reveals nothing about any token.
        """
        if _TOKEN.fullmatch(token) is None:
            return None
        now = self._clock()
        query = (
            select(models.ApiKey)
            .join(models.LoginSession, models.LoginSession.key_id == models.ApiKey.id)
            .where(models.LoginSession.token_sha256 == sha256(token), models.LoginSession.expires_at > now)
        )
        with self._database.reading() as session:
            row = session.scalar(query)
            return None if row is None else active_key(row, now)

    def end_session(self, token: str) -> None:
        """Ends a session, if there is one."""
        with self._database.writing() as session:
            session.execute(delete(models.LoginSession).where(models.LoginSession.token_sha256 == sha256(token)))
