"""Who calls: the holder of a key, a browser that has logged in with one, or, where no key exists, anybody here.

    Authorization: Bearer effspine_k..._...        programs
    Cookie: effspine_session=...                   browsers, after /login

A service that only this machine can reach is open until the first key is made. One that others can reach never is.
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
NOTE_USE_SECONDS = 600

log = logging.getLogger("effspine.api")


@dataclass(frozen=True)
class Credentials:
    """What a request shows: a key, the token of a session, or neither. A key counts more than a cookie."""

    key: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, headers: Headers) -> Credentials:
        """The credentials of a request; any other scheme than Bearer is a key that opens nothing."""
        authorization = headers.get("authorization")
        if authorization is not None:
            scheme, _, key = authorization.partition(" ")
            return cls(key=key.strip() if scheme.lower() == "bearer" else "")
        token = cookie_parser("; ".join(headers.getlist("cookie"))).get(COOKIE)
        return cls(token=token or None)

    @property
    def are_shown(self) -> bool:
        """Whether there are any."""
        return self.key is not None or self.token is not None


@dataclass(frozen=True)
class Caller:
    """Who was recognised: what it may do, and the id of its key (None where the service is open)."""

    scope: KeyScope
    by: Literal["key", "session", "openness"]
    key_id: str | None = None
    name: str = ""

    def allows(self, needed: KeyScope) -> bool:
        """Whether its scope includes `needed`."""
        return KEY_SCOPES.index(self.scope) >= KEY_SCOPES.index(needed)


OPEN = Caller("admin", "openness")


class KeyRing:
    """Recognises callers by what the store holds at that moment, so that a revoked key opens nothing more at once.

    `is_private` says that only this machine reaches the service. Methods ask the store and so may block; they raise
    StoreError where it is away.
    """

    def __init__(self, store: Store, *, is_private: bool) -> None:
        self._store = store
        self._is_private = is_private
        self._noted: dict[str, float] = {}
        self._lock = Lock()
        self.was_open = False
        """Whether the last look found the service open; for those who must not ask the store."""
        with suppress(StoreError):
            self.recognise(Credentials())

    def recognise(self, credentials: Credentials) -> Caller | None:
        """The caller, or None where a key is needed and none of the credentials is a good one."""
        record = None
        by: Literal["key", "session"] = "session" if credentials.key is None else "key"
        if credentials.key is not None:
            record = self._store.service.identify_key(credentials.key)
        elif credentials.token is not None:
            record = self._store.service.identify_session(credentials.token)
        if record is not None:
            self.was_open = False
            self._note_use(record.id)
            return Caller(record.scope, by, record.id, record.name)
        self.was_open = self._is_private and not self._store.service.has_keys()
        return OPEN if self.was_open else None

    def _note_use(self, key_id: str) -> None:
        """Keeps the time of a key's last use, roughly: a write with each request would be slow, and tell no more.

        A write that fails is not tried again soon, so that a record that cannot be written can still be read.
        """
        now = time.monotonic()
        with self._lock:
            if now - self._noted.get(key_id, -NOTE_USE_SECONDS) < NOTE_USE_SECONDS:
                return
            self._noted[key_id] = now
        try:
            self._store.service.record_key_use(key_id)
        except StoreError as error:
            log.warning("the last use of key %s is not noted: %s", key_id, error)
