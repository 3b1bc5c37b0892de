"""Finds rows by their keys in a caller's transaction; the errors name the missing row."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from nas_controller.store import models
from nas_controller.store.errors import NotFoundError


def find_campaign(session: Session, campaign_id: str, *, lock: bool = False) -> models.Campaign:
    """The campaign's row, locked for a writer with `lock`. Raises NotFoundError."""
    row = session.get(models.Campaign, valid_id(campaign_id), with_for_update=lock or None)
    if row is None:
        raise _no_campaign(campaign_id)
    return row


def campaign_values(
    connection: Connection, campaign_id: str, *columns: InstrumentedAttribute[Any] | ColumnElement[Any]
) -> tuple[Any, ...]:
    """Some columns of the campaign, much faster than its whole row. Raises NotFoundError."""
    query = select(*columns).where(models.Campaign.id == valid_id(campaign_id))
    row = connection.execute(query).one_or_none()
    if row is None:
        raise _no_campaign(campaign_id)
    return tuple(row)


def require_campaign(session: Session, campaign_id: str) -> None:
    """Raises NotFoundError if there is no such campaign."""
    campaign_values(session.connection(), campaign_id, models.Campaign.id)


def find_trial(session: Session, campaign_id: str, number: int) -> models.Trial:
    """The trial's row. Raises NotFoundError."""
    row = session.get(models.Trial, (campaign_id, bounded(number)))
    if row is None:
        raise no_trial(campaign_id, number)
    return row


def find_attempt(session: Session, campaign_id: str, number: int, attempt: int) -> models.Attempt:
    """The attempt's row. Raises NotFoundError."""
    row = session.get(models.Attempt, (campaign_id, number, attempt))
    if row is None:
        raise NotFoundError(f"campaign '{campaign_id}': trial {number} has no attempt {attempt}")
    return row


def valid_id(campaign_id: str) -> str:
    """The id; or an empty one for a text that a database may refuse, which is never an id."""
    return campaign_id if campaign_id.isascii() and campaign_id.isprintable() else ""


def _no_campaign(campaign_id: str) -> NotFoundError:
    return NotFoundError(f"there is no campaign '{campaign_id}'", field="campaign_id")


def no_trial(campaign_id: str, number: int) -> NotFoundError:
    """The error for a trial that does not exist."""
    return NotFoundError(f"campaign '{campaign_id}' has no trial {number}", field="number")


def bounded(number: int) -> int:
    """The number, clamped to a range that a 32-bit integer column can be compared with."""
    return max(-1, min(number, 2**31 - 1))
