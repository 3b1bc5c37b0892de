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
    """The `k` best trials, each architecture once, and the uniform baseline. The confirmed winner of the campaign's
    finals comes first, if there is one, then the trials with the highest rewards.
    """

    def items_and_baseline() -> dict[str, Any]:
        items = store.reads.best_trial_documents(campaign_id, k)
        winner = store.reads.get_campaign(campaign_id).confirmed_winner
        if winner is not None:
            others = [item for item in items if item["number"] != winner]
            items = [store.reads.get_trial_record(campaign_id, winner).to_dict(), *others][:k]
        try:
            baseline = store.reads.get_trial_record(campaign_id, BASELINE_TRIAL).to_dict()
        except NotFoundError:
            baseline = None  # no trial has begun yet
        return {"items": items, "baseline": baseline, "is_confirmed": winner is not None}

    return json_response(request, items_and_baseline)
