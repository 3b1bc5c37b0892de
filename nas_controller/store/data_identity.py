"""The identity of the data that a campaign's outcomes come from, inside the transaction of an outcome."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from nas_controller.search.data_difference import RESTORE_DATA
from nas_controller.store import models
from nas_controller.store.errors import ConflictError
from nas_controller.store.events import add_event
from nas_controller.store.sanitising import sanitise


def identify_data(
    session: Session, campaign: models.Campaign, now: datetime, data: Mapping[str, Any] | None
) -> str | None:
    """Stores the identity that the first outcome of a locked campaign states, with an event; returns its digest.

    None stands for an outcome without data, such as a synthetic one. Raises ConflictError for an outcome of other data.
    """
    if data is None:
        return None
    if campaign.data is None:
        stored = {**data, **_classes(data)}
        campaign.data = stored
        add_event(session, campaign, now, "campaign.identified", dict(stored))
    elif campaign.data["sha256"] != data["sha256"]:
        raise ConflictError(
            f"campaign '{campaign.id}': its outcomes are of the data {campaign.data['sha256']}, this one is of "
            f"{data['sha256']}. {RESTORE_DATA}"
        )
    return str(data["sha256"])


def _classes(data: Mapping[str, Any]) -> dict[str, Any]:
    """The classes of the data with names and ids that every database can store."""
    if "classes" not in data:
        return {}
    return {"classes": [{key: _storable(value) for key, value in each.items()} for each in data["classes"]]}


def _storable(value: int | str) -> int | str:
    return sanitise(value) if isinstance(value, str) else value
