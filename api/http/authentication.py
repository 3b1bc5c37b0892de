"""Authentication by API key, by the dashboard's session cookie, or, as long as no key exists, of any local user.

    Authorization: Bearer effspine_k..._...        programs
    Cookie: effspine_session=...                   browsers, after /login

A service that only this machine can reach is open until the first key is created. Any other service is never open.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import Literal

from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from nas_controller.states import KEY_SCOPES, KeyScope
from nas_controller.store import Store, StoreError

COOKIE = "effspine_session"
KEY_USE_INTERVAL_SECONDS = 600
"""How often the last use of a key is written; to write it on every request would be slow."""

log = logging.getLogger("effspine.api")


@dataclass(frozen=True)
class Credentials:
    """The key or the session token of a request, or neither. A key takes precedence over a cookie."""

    key: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, headers: Headers) -> Credentials:
        """The credentials in the headers; an authorization scheme other than Bearer counts as an invalid key."""
        authorization = headers.get("authorization")
        if authorization is not None:
            scheme, _, key = authorization.partition(" ")
            return cls(key=key.strip() if scheme.lower() == "bearer" else "")
        token = cookie_parser("; ".join(headers.getlist("cookie"))).get(COOKIE)
        return cls(token=token or None)

    @property
    def are_given(self) -> bool:
        """Whether there are any."""
        return self.key is not None or self.token is not None


@dataclass(frozen=True)
class Caller:
    """The authenticated caller: its scope, and the id and name of its key (None and empty while no key exists)."""

    scope: KeyScope
    by: Literal["key", "session", "no-keys"]
    key_id: str | None = None
    name: str = ""

    def allows(self, required: KeyScope) -> bool:
        """Whether its scope includes `required`."""
        return KEY_SCOPES.index(self.scope) >= KEY_SCOPES.index(required)


LOCAL_USER = Caller("admin", "no-keys")


class Authenticator:
    """Authenticates callers against the database at each request, so that a revoked key is rejected at once.

    `is_private` says that only this machine can reach the service. Methods query the store, so they may block, and
    raise StoreError if the database is unavailable.
    """

    def __init__(self, store: Store, *, is_private: bool) -> None:
        self._store = store
        self._is_private = is_private
        self._last_written: dict[str, float] = {}
        self._lock = Lock()
        self.was_open = False
        """Whether the service was open at the latest check; for callers that must not query the store."""
        with suppress(StoreError):
            self.authenticate(Credentials())

    def authenticate(self, credentials: Credentials) -> Caller | None:
        """The caller; None if a key is needed and the credentials are missing or invalid."""
        record = None
        by: Literal["key", "session"] = "session" if credentials.key is None else "key"
        if credentials.key is not None:
            record = self._store.service.identify_key(credentials.key)
        elif credentials.token is not None:
            record = self._store.service.identify_session(credentials.token)
        if record is not None:
            self.was_open = False
            self._write_last_use(record.id)
            return Caller(record.scope, by, record.id, record.name)
        self.was_open = self._is_private and not self._store.service.has_keys()
        return LOCAL_USER if self.was_open else None

    def _write_last_use(self, key_id: str) -> None:
        """Writes the time of a key's last use, unless it was written within KEY_USE_INTERVAL_SECONDS.

        A failed write is not repeated before that, so that a read-only database can still be read.
        """
        now = time.monotonic()
        with self._lock:
            if now - self._last_written.get(key_id, -KEY_USE_INTERVAL_SECONDS) < KEY_USE_INTERVAL_SECONDS:
                return
            self._last_written[key_id] = now
        try:
            self._store.service.record_key_use(key_id)
        except StoreError as error:
            log.warning("the last use of key %s was not written: %s", key_id, error)
