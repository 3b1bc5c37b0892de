"""API keys. The database has their hashes, never the secrets themselves.

A key is `effspine_ID_SECRET`. ID is public: lists and logs show it, and it identifies the row. SECRET is 256 random
bits. The database has the SHA-256 of the whole key. A slow, salted hash (as for passwords) would add nothing, since it
protects secrets that can be guessed, but it would cost every request a tenth of a second.

Anybody who can write to the database can create keys. The first key is created so, before any service listens.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from nas_controller.entities import KeyDocument
from nas_controller.states import KEY_SCOPES, KeyScope
from nas_controller.store import models
from nas_controller.store.campaign_ids import ALPHABET
from nas_controller.store.clock import Clock
from nas_controller.store.database import Database
from nas_controller.store.errors import ConflictError, NotFoundError
from nas_controller.store.mappers import record_of
from search_space.errors import InvalidValueError

MAX_NAME_LENGTH = 100
_SECRET_BYTES = 32
_ID_CHARACTERS = 12
_ID = re.compile(rf"k[{ALPHABET}]{{{_ID_CHARACTERS}}}")
_KEY = re.compile(rf"effspine_({_ID.pattern})_[A-Za-z0-9_-]{{43}}")


class KeyRecord(KeyDocument):
    """A key, without its secret."""

    def state(self, now: datetime) -> Literal["active", "expired", "revoked"]:
        """Whether it grants access."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"

    def allows(self, needed: KeyScope) -> bool:
        """Whether its scope includes `needed`."""
        return KEY_SCOPES.index(self.scope) >= KEY_SCOPES.index(needed)


class ApiKeys:
    """Creating, finding and revoking keys. All raise StoreUnavailableError when the database is unavailable."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create_key(self, name: str, scope: KeyScope, *, lifetime: timedelta | None = None) -> tuple[KeyRecord, str]:
        """Creates a key; returns its record and the key, which cannot be read again.

        Raises InvalidValueError for a name that is empty, too long or not printable, and for an unknown scope.
        """
        if not (1 <= len(name) <= MAX_NAME_LENGTH and name.isprintable()):
            raise InvalidValueError(
                f"name is {name[:MAX_NAME_LENGTH]!r}; it must be 1 to {MAX_NAME_LENGTH} printable characters",
                field="name",
            )
        if scope not in KEY_SCOPES:
            raise InvalidValueError(f"scope is {scope!r}; it must be one of: {', '.join(KEY_SCOPES)}", field="scope")
        now = self._clock()
        key_id = "k" + "".join(secrets.choice(ALPHABET) for _ in range(_ID_CHARACTERS))
        key = _new_key(key_id)
        with self._database.writing() as session:
            row = models.ApiKey(
                id=key_id,
                name=name,
                scope=scope,
                secret_sha256=sha256(key),
                created_at=now,
                expires_at=None if lifetime is None else now + lifetime,
            )
            session.add(row)
            session.flush()
            return record_of(KeyRecord, row), key

    def list_keys(self) -> tuple[KeyRecord, ...]:
        """All keys, oldest first, including revoked ones."""
        query = select(models.ApiKey).order_by(models.ApiKey.created_at, models.ApiKey.id)
        with self._database.reading() as session:
            return tuple(record_of(KeyRecord, row) for row in session.scalars(query))

    def rotate_key(self, key_id: str, *, grace: timedelta = timedelta(0)) -> tuple[KeyRecord, str]:
        """Gives a key a new secret; the old one stays valid for `grace`, and the key's sessions end.

        The secret before the old one ends at once. Raises NotFoundError, and ConflictError for a revoked key.
        """
        now = self._clock()
        with self._database.writing() as session:
            row = _find(session, key_id)
            if row.revoked_at is not None:
                raise ConflictError(f"key '{key_id}' is revoked permanently; create another one", field="state")
            key = _new_key(key_id)
            row.previous_sha256 = row.secret_sha256 if grace > timedelta(0) else None
            row.previous_until = now + grace if grace > timedelta(0) else None
            row.secret_sha256 = sha256(key)
            row.rotated_at = now
            _end_sessions_of(session, key_id)
            session.flush()
            return record_of(KeyRecord, row), key

    def revoke_key(self, key_id: str) -> KeyRecord:
        """Revokes a key permanently and ends its sessions; repeating this changes nothing. Raises NotFoundError."""
        now = self._clock()
        with self._database.writing() as session:
            row = _find(session, key_id)
            row.revoked_at = row.revoked_at or now
            row.previous_sha256 = row.previous_until = None
            _end_sessions_of(session, key_id)
            session.flush()
            return record_of(KeyRecord, row)

    def identify_key(self, key: str) -> KeyRecord | None:
        """The record of a valid key; None if it is unknown, wrong, expired or revoked."""
        match = _KEY.fullmatch(key)
        if match is None:
            return None
        now = self._clock()
        digest = sha256(key)
        with self._database.reading() as session:
            row = session.get(models.ApiKey, match[1])
            if row is None:
                return None
            is_current = hmac.compare_digest(row.secret_sha256, digest)
            is_previous = hmac.compare_digest(row.previous_sha256 or "", digest)
            in_grace = row.previous_until is not None and row.previous_until > now
            return active_key(row, now) if is_current or (is_previous and in_grace) else None

    def record_key_use(self, key_id: str) -> None:
        """Records that a key was used now. Callers call it every few minutes, not for every request."""
        with self._database.writing() as session:
            session.execute(update(models.ApiKey).where(models.ApiKey.id == key_id).values(last_used_at=self._clock()))

    def has_keys(self) -> bool:
        """Whether any key exists that is not revoked. Expired keys count: expiry must not open the service."""
        query = select(models.ApiKey.id).where(models.ApiKey.revoked_at.is_(None)).limit(1)
        with self._database.single_statement() as connection:
            return connection.execute(query).first() is not None

    def has_active_keys(self) -> bool:
        """Whether any key is valid."""
        is_unexpired = or_(models.ApiKey.expires_at.is_(None), models.ApiKey.expires_at > self._clock())
        query = select(models.ApiKey.id).where(models.ApiKey.revoked_at.is_(None), is_unexpired).limit(1)
        with self._database.reading() as session:
            return session.scalar(query) is not None


def _new_key(key_id: str) -> str:
    return f"effspine_{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"


def sha256(secret: str) -> str:
    """The digest that identifies a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _find(session: Session, key_id: str) -> models.ApiKey:
    # A database refuses some texts; none of them is an id.
    row = session.get(models.ApiKey, key_id, with_for_update=True) if _ID.fullmatch(key_id) else None
    if row is None:
        raise NotFoundError(f"there is no key '{key_id[:64]}'; `effspine keys list` shows all keys")
    return row


def _end_sessions_of(session: Session, key_id: str) -> None:
    session.execute(delete(models.LoginSession).where(models.LoginSession.key_id == key_id))


def active_key(row: models.ApiKey, now: datetime) -> KeyRecord | None:
    """The record of a key's row, unless the key has expired or is revoked."""
    record = record_of(KeyRecord, row)
    return record if record.state(now) == "active" else None
