"""The events of a campaign as server-sent events."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Annotated

import anyio
from fastapi import APIRouter, Header, Query, Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from api.http.dependencies import CampaignId, ServiceStore
from api.http.head_requests import IS_HEAD
from nas_controller.states import FINISHED_CAMPAIGN_STATES
from nas_controller.store import CampaignRecord, Store
from search_space.errors import InvalidValueError

router = APIRouter(prefix="/v1/campaigns/{campaign_id}", tags=["campaigns"])

POLL_SECONDS = 0.5
HEARTBEAT_SECONDS = 15
RECONNECT_MS = 1_000
RECHECK_SECONDS = 10.0
BATCH = 500
EXAMPLE = """\
id: 1
data: {"sequence":1,"at":"2026-11-22T15:00:34.860895Z","kind":"campaign.created","data":{"name":"first look"}}
retry: 1000

event: end
data: {}

"""
FINAL_KINDS = frozenset(f"campaign.{state}" for state in FINISHED_CAMPAIGN_STATES)


@router.get(
    "/events",
    response_class=EventSourceResponse,
    responses={200: {"description": "The stream.", "content": {"text/event-stream": {"example": EXAMPLE}}}},
    summary="Follow a campaign",
)
def events(
    campaign_id: CampaignId,
    store: ServiceStore,
    request: Request,
    after: Annotated[int, Query(ge=0, description="Only events later than this sequence.")] = 0,
    last_event_id: Annotated[str | None, Header(description="As `after`; sent by clients that reconnect.")] = None,
) -> EventSourceResponse:
    """All events, or those after the given one, then new ones as they happen: `{sequence, at, kind, data}`.

    The stream ends with an event named `end` once the campaign is finished and every event has been sent. It is cut off
    without one if its key is revoked or expires. A failed campaign that was retried is not finished.
    """
    campaign = store.reads.get_campaign(campaign_id)
    start = after if last_event_id is None else _sequence(last_event_id)
    if getattr(request.state, IS_HEAD):
        stream = _no_events()
    else:
        stream = _stream(store, campaign, start, request.state.is_still_allowed)
    return EventSourceResponse(stream, ping=HEARTBEAT_SECONDS, sep="\n")


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
    store: Store, campaign: CampaignRecord, sequence: int, is_still_allowed: Callable[[], bool]
) -> AsyncIterator[ServerSentEvent]:
    checked_at = time.monotonic()
    ends_here = False  # the last event sent finished the campaign, unless a retry follows it
    is_finished = campaign.state in FINISHED_CAMPAIGN_STATES and campaign.last_event <= sequence
    while not is_finished:
        if time.monotonic() - checked_at >= RECHECK_SECONDS:
            checked_at = time.monotonic()
            if not await run_in_threadpool(is_still_allowed):
                return
        batch = await run_in_threadpool(store.reads.events_after, campaign.id, sequence, BATCH)
        for event in batch:
            sequence = event.sequence
            ends_here = event.kind in FINAL_KINDS
            data = json.dumps(event.to_dict(), separators=(",", ":"))
            yield ServerSentEvent(data=data, id=str(sequence), retry=RECONNECT_MS, sep="\n")
        is_finished = ends_here and len(batch) < BATCH
        if not batch and not is_finished:
            await anyio.sleep(POLL_SECONDS)
    yield ServerSentEvent(event="end", data="{}", sep="\n")
