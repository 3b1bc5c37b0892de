"""Server-sent events from an ordered history: those that there are, then new ones as they happen, until it ends."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

import anyio
from fastapi import Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from api.http.head_requests import IS_HEAD
from nas_controller.entities import EventDocument
from nas_controller.store import NotFoundError
from search_space.errors import InvalidValueError

POLL_SECONDS = 0.5
HEARTBEAT_SECONDS = 15
RECONNECT_MS = 1_000
RECHECK_SECONDS = 10.0
GRACE_SECONDS = 1.0
"""How long a stream may take to complete its response once the server shuts down; a cut off one would be an error."""
BATCH = 500


@dataclass(frozen=True)
class Events:
    """The history of a campaign or a training.

    `read` returns up to so many events of `id` later than a sequence. One of a kind in `final_kinds` ends the history,
    unless another follows it that is not of `neutral_kinds`; `last` is the newest event of a history that has ended,
    None for another.
    """

    id: str
    read: Callable[[str, int, int], Sequence[EventDocument]]
    final_kinds: frozenset[str]
    last: int | None
    neutral_kinds: frozenset[str] = frozenset()

    def ends_at(self, event: EventDocument, had_ended: bool) -> bool:
        """Whether the history has ended with an event, given whether it had with those before."""
        if event.sequence == self.last or event.kind in self.final_kinds:
            return True
        return had_ended and event.kind in self.neutral_kinds


def event_stream(request: Request, events: Events, after: int, last_event_id: str | None) -> EventSourceResponse:
    """The response with all events after a sequence; `last_event_id` is sent by clients that reconnect.

    Raises InvalidValueError where it is not the id of an event.
    """
    start = after if last_event_id is None else _sequence(last_event_id)
    is_head = getattr(request.state, IS_HEAD)
    shutdown = anyio.Event()
    stream = _no_events() if is_head else _stream(events, start, request.state.is_still_allowed, shutdown)
    return EventSourceResponse(
        stream,
        ping=HEARTBEAT_SECONDS,
        sep="\n",
        shutdown_event=shutdown,
        shutdown_grace_period=GRACE_SECONDS,
    )


async def _no_events() -> AsyncIterator[ServerSentEvent]:
    """An empty stream, for a response of which only the headers are sent."""
    events: tuple[ServerSentEvent, ...] = ()
    for event in events:
        yield event


def _sequence(last_event_id: str) -> int:
    if not (last_event_id.isascii() and last_event_id.isdigit()):
        raise InvalidValueError(
            f"Last-Event-ID is {last_event_id[:80]!r}; it must be the id of an event",
            field="Last-Event-ID",
            value=last_event_id,
        )
    return int(last_event_id[:18])


async def _stream(
    events: Events, sequence: int, is_still_allowed: Callable[[], bool], shutdown: anyio.Event
) -> AsyncIterator[ServerSentEvent]:
    checked_at = time.monotonic()
    ends_here = False  # the last event sent ended the history, unless a retry follows it
    is_finished = events.last is not None and events.last <= sequence
    while not is_finished:
        if time.monotonic() - checked_at >= RECHECK_SECONDS:
            checked_at = time.monotonic()
            if not await run_in_threadpool(is_still_allowed):
                return
        try:
            batch = await run_in_threadpool(events.read, events.id, sequence, BATCH)
        except NotFoundError:
            return  # it was deleted
        for event in batch:
            sequence = event.sequence
            ends_here = events.ends_at(event, ends_here)
            data = json.dumps(event.to_dict(), separators=(",", ":"))
            yield ServerSentEvent(data=data, id=str(sequence), retry=RECONNECT_MS, sep="\n")
        is_finished = ends_here and len(batch) < BATCH
        if not batch and not is_finished:
            with anyio.move_on_after(POLL_SECONDS):
                await shutdown.wait()
        if shutdown.is_set() and not is_finished:
            return
    yield ServerSentEvent(event="end", data="{}", sep="\n")
