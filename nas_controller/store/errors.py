"""What the store raises, named by what the caller does about it."""

from __future__ import annotations

from search_space.errors import EffspineError


class StoreError(EffspineError):
    """Base of the store's errors."""


class NotFoundError(StoreError):
    """There is no such campaign, trial or attempt. Answer 404."""


class ConflictError(StoreError):
    """The state of the campaign, trial or key does not allow this. Answer 409; the message names the state."""


class NoMoreTrialsError(ConflictError):
    """The campaign has been given no more trials than have begun."""


class StoreUnavailableError(StoreError):
    """The database did not answer, is locked for too long or is full. Try again later (503)."""


class StoreFullError(StoreUnavailableError):
    """The disk of the database is full. Free some space and try again (507)."""


class StoreVersionError(StoreError):
    """The database was written by another version of effspine. Upgrade one of the two."""


class LeaseLostError(StoreError):
    """The runner no longer owns its campaign; it must stop without writing anything more."""


class KeyReusedError(StoreError):
    """The idempotency key belongs to another request. Answer 422."""


class KeyBusyError(StoreError):
    """The request of this idempotency key is still being processed. Answer 409; try again soon."""
