"""The best trials of a campaign."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api.documents import BestDocument
from api.http.conditional_get import NOT_MODIFIED, IfTrialsModified
from api.http.dependencies import CampaignId, ServiceStore
from api.http.json_responses import json_response
from nas_controller.states import BASELINE_TRIAL
from nas_controller.store import NotFoundError

router = APIRouter(prefix="/v1/campaigns/{campaign_id}", tags=["results"])


@router.get(
    "/best",
    dependencies=[IfTrialsModified],
    responses=NOT_MODIFIED,
    summary="Read the best trials",
    response_model=BestDocument,
)
def best(
    request: Request,
    campaign_id: CampaignId,
    store: ServiceStore,
    k: Annotated[int, Query(ge=1, le=1_000, description="Number of trials.")] = 1,
) -> Response:
    """The `k` trials with the highest rewards, each architecture once, and the uniform baseline."""

    def items_and_baseline() -> dict[str, Any]:
        items = store.reads.best_trial_documents(campaign_id, k)
        try:
            return {"items": items, "baseline": store.reads.get_trial_record(campaign_id, BASELINE_TRIAL).to_dict()}
        except NotFoundError:
            return {"items": items, "baseline": None}  # no trial has begun yet

    return json_response(request, items_and_baseline)
