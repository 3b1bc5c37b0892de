"""Compares the training of a campaign's shared weights with what the events say of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from nas_controller.campaigns.replay_error import ReplayError, compare, number_of, parsed
from nas_controller.entities import SharedTrainingDocument
from nas_controller.store import EventRecord
from nas_controller.store.record_rows import StoredRow

SHARED_TRAINING_EVENTS = (
    "shared-training.started",
    "shared-training.completed",
    "shared-training.failed",
    "shared-training.abandoned",
)
_FIELDS = SharedTrainingDocument.document_fields()


class SharedTrainingChecks:
    """The training by the events so far."""

    def __init__(self, campaign_id: str) -> None:
        self._campaign_id = campaign_id
        self._expected: dict[str, Any] | None = None
        self._sequence: int | None = None

    def follow(self, event: EventRecord) -> None:
        """Takes an event over. Raises ReplayError where the training cannot have it."""
        if event.kind not in SHARED_TRAINING_EVENTS:
            return
        data, before = event.data, self._expected
        state = event.kind.removeprefix("shared-training.")
        attempts = 0 if before is None else before["attempts"]
        is_running = before is not None and before["state"] == "running"
        if state == "started":
            if is_running:
                raise ReplayError(self._campaign_id, event.sequence, "the shared weights are being trained already")
            attempts += 1
            self._expected = {
                **dict.fromkeys(("error", "error_kind", "identity", "weights_sha256")),
                **(before or {}),
                "state": "running",
                "attempts": attempts,
                "steps": number_of(event, "steps"),
                "devices": _devices(event),
                "started_at": event.at,
                "finished_at": None,
                "is_reused": None,
            }
        else:
            if before is None or not is_running:
                raise ReplayError(self._campaign_id, event.sequence, "the shared weights are not being trained")
            before |= {"state": state, "finished_at": event.at}
            if state == "completed":
                before |= {name: data[name] for name in ("is_reused", "identity", "weights_sha256")}
                before |= {"error": None, "error_kind": None}
            elif state == "failed":
                before |= {"error": data["error"], "error_kind": data["kind"]}
        compare(self._campaign_id, event.sequence, "the attempt's number", number_of(event, "attempt"), attempts)
        self._sequence = event.sequence

    def compare(self, row: StoredRow) -> None:
        """Compares the training with the campaign's row. Raises ReplayError."""
        stored = parsed(row, "shared_training")
        if stored is None or self._expected is None:
            compare(self._campaign_id, None, "the shared training", stored, self._expected)
            return
        stored = {"devices": None, **stored}  # records of earlier versions do not state it
        compare(self._campaign_id, None, "the shared training's fields", sorted(stored), sorted(_FIELDS))
        for name, expected in self._expected.items():
            found = stored[name]
            if name in ("started_at", "finished_at"):
                found, expected = _instant(found), _instant(expected)
            compare(self._campaign_id, self._sequence, f"the shared training's stored {name}", found, expected)


def _devices(event: EventRecord) -> float | None:
    """The devices of an attempt; None in an event of an earlier version. Raises TypeError where they are no number."""
    value = event.data.get("devices", 1.0)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"`devices` is {value!r}, no number")
    return value if "devices" in event.data else None


def _instant(value: Any) -> Any:
    """A time as a datetime, whatever it is stored as."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value
