"""The events of a campaign as server-sent events."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from sse_starlette import EventSourceResponse

from api.http.dependencies import CampaignId, ServiceStore
from api.http.event_stream import Events, event_stream
from nas_controller.states import EVENTS_OF_ANNOTATIONS, FINISHED_CAMPAIGN_STATES

router = APIRouter(prefix="/v1/campaigns/{campaign_id}", tags=["campaigns"])

EXAMPLE = """\
id: 1
data: {"sequence":1,"at":"2026-11-22T15:00:34.860895Z","kind":"campaign.created","data":{"name":"first look"}}
retry: 1000

event: end
data: {}

"""


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
    return event_stream(
        request,
        Events(
            campaign_id,
            store.reads.events_after,
            frozenset(f"campaign.{state}" for state in FINISHED_CAMPAIGN_STATES),
            last=campaign.last_event if campaign.state in FINISHED_CAMPAIGN_STATES else None,
            neutral_kinds=frozenset(EVENTS_OF_ANNOTATIONS),
        ),
        after,
        last_event_id,
    )
