"""The difference between a stored campaign and its replay."""

from __future__ import annotations

import json
from typing import Any

from nas_controller.store import EventRecord
from nas_controller.store.record_rows import StoredRow
from search_space.errors import EffspineError


class ReplayError(EffspineError):
    """The stored campaign differs from its replay. `sequence` is the first event that differs, None for the campaign's
    final state.
    """

    def __init__(self, campaign_id: str, sequence: int | None, message: str) -> None:
        where = "the stored state" if sequence is None else f"event {sequence}"
        super().__init__(f"campaign '{campaign_id}', {where}: {message}")
        self.sequence = sequence


def compare(campaign_id: str, sequence: int | None, what: str, stored: object, expected: object) -> None:
    """Raises ReplayError unless both are equal."""
    if stored != expected or isinstance(stored, bool) != isinstance(expected, bool):
        message = f"{what} is {stored!r}; the replay gives {expected!r}"
        raise ReplayError(campaign_id, sequence, message)


def number_of(event: EventRecord, name: str) -> int:
    """A whole number in the data of an event. Raises TypeError where it is none, KeyError where it is missing."""
    value = event.data[name]
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"`{name}` is {value!r}, no whole number")
    return value


def parsed(row: StoredRow, name: str) -> Any:
    """The value of a JSON column, None where there is none. Raises ValueError for a text that is no JSON."""
    text = row[name]
    return None if text is None else json.loads(text)
