"""The trials of a campaign."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from api.documents import Page, TrialCountsDocument, TrialDetailDocument, TrialDocument
from api.http.conditional_get import NOT_MODIFIED, IfTrialsModified
from api.http.dependencies import CampaignId, ServiceStore
from api.http.json_responses import json_response
from nas_controller.campaigns.trial_detail import trial_detail
from nas_controller.search.limits import MAX_TRIALS
from nas_controller.states import TrialOrder, TrialState

router = APIRouter(prefix="/v1/campaigns/{campaign_id}/trials", tags=["trials"])


@router.get(
    "",
    dependencies=[IfTrialsModified],
    responses=NOT_MODIFIED,
    summary="List trials",
    response_model=Page[TrialDocument],
)
def list_all(
    request: Request,
    campaign_id: CampaignId,
    store: ServiceStore,
    state: Annotated[TrialState | None, Query(description="Only trials in this state.")] = None,
    order_by: Annotated[
        TrialOrder, Query(description="`-` sorts in descending order; trials without a reward come last.")
    ] = "number",
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the previous page.", max_length=400)] = None,
    skip: Annotated[
        int, Query(ge=0, le=MAX_TRIALS, description="So many trials are left out first, to jump to a page.")
    ] = 0,
) -> Response:
    """Trials in the given order; trial 0 is the uniform baseline."""

    def page() -> dict[str, Any]:
        shown = store.reads.trial_documents(campaign_id, state, order_by, limit, cursor, skip)
        return {"items": shown.items, "next_cursor": shown.next_cursor}

    return json_response(request, page)


@router.get("/counts", dependencies=[IfTrialsModified], responses=NOT_MODIFIED, summary="Count trials")
def counts(campaign_id: CampaignId, store: ServiceStore) -> TrialCountsDocument:
    """How many trials are in each state."""
    return store.reads.trial_counts(campaign_id)


@router.get(
    "/{number}",
    dependencies=[IfTrialsModified],
    responses=NOT_MODIFIED,
    summary="Read a trial",
    response_model=TrialDetailDocument,
)
def read(
    request: Request,
    campaign_id: CampaignId,
    number: Annotated[int, Path(ge=0, description="Number of the trial.")],
    store: ServiceStore,
) -> Response:
    """One trial with its attempts, its learning curve, its COCO metrics, and its blocks beside the baseline's."""
    return json_response(request, lambda: trial_detail(store, campaign_id, number))
