"""The best trials of a campaign."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api.documents import BestDocument
from api.http.conditional_get import UNCHANGED, UnlessUnchanged
from api.http.dependencies import CampaignId, StoreOfService
from api.http.json_responses import json_answer
from nas_controller.states import BASELINE_TRIAL
from nas_controller.store import NotFoundError

router = APIRouter(prefix="/v1/campaigns/{campaign_id}", tags=["results"])


@router.get(
    "/best",
    dependencies=[UnlessUnchanged],
    responses=UNCHANGED,
    summary="Read the best trials",
    response_model=BestDocument,
)
def best(
    request: Request,
    campaign_id: CampaignId,
    store: StoreOfService,
    k: Annotated[int, Query(ge=1, le=1_000, description="How many.")] = 1,
) -> Response:
    """The `k` trials with the highest rewards, each architecture once, beside the uniform baseline."""

    def items_and_baseline() -> dict[str, Any]:
        items = store.reads.best_trial_documents(campaign_id, k)
        try:
            return {"items": items, "baseline": store.reads.get_trial_record(campaign_id, BASELINE_TRIAL).to_dict()}
        except NotFoundError:
            return {"items": items, "baseline": None}  # the campaign has not begun yet

    return json_answer(request, items_and_baseline)
