"""Writes the annotations of a campaign, in the transaction of a caller that has locked it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from nas_controller.entities import Annotations
from nas_controller.store import models
from nas_controller.store.events import add_event


def split_patch(patch: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields of a merge patch that are annotations, and those of the specification."""
    names = Annotations.model_fields.keys()
    annotations = {name: value for name, value in patch.items() if name in names}
    return annotations, {name: value for name, value in patch.items() if name not in names}


def annotate(
    session: Session, row: models.Campaign, now: datetime, patch: Mapping[str, Any], by: str | None = None
) -> None:
    """Changes the annotations that a merge patch has: null clears one. `by` is the name of the caller's key, if any.

    A patch that changes nothing adds no event. Raises pydantic's ValidationError for an invalid value.
    """
    given = Annotations.model_validate({name: value for name, value in patch.items() if value is not None})
    changed = {name: value for name in patch if (value := getattr(given, name)) != getattr(row, name)}
    if not changed:
        return
    for name, value in changed.items():
        setattr(row, name, value)
    facts = {"changes": {name: list(value) if name == "tags" else value for name, value in changed.items()}}
    add_event(session, row, now, "campaign.annotated", facts | ({} if by is None else {"by": by}))
