"""The errors of the store, one for each reaction of a caller."""

from __future__ import annotations

from search_space.errors import EffspineError


class StoreError(EffspineError):
    """Base of the store's errors."""


class NotFoundError(StoreError):
    """There is no such campaign, trial or attempt. Response 404."""


class ConflictError(StoreError):
    """The state of the campaign, trial or key does not allow this. Response 409; the message names the state."""


class NoMoreTrialsError(ConflictError):
    """The campaign has begun all of its trials."""


class StoreUnavailableError(StoreError):
    """The database does not respond, is locked for too long or is full. Response 503; retry later."""


class StoreFullError(StoreUnavailableError):
    """The disk of the database is full. Response 507; free some space."""


class StoreVersionError(StoreError):
    """The database has the schema of another version of effspine. Upgrade one of the two."""


class LeaseLostError(StoreError):
    """The runner has lost its lease; it must stop without writing anything."""


class KeyReusedError(StoreError):
    """The idempotency key belongs to another request. Response 422."""


class KeyBusyError(StoreError):
    """The request of this idempotency key is still being processed. Response 409; retry soon."""
