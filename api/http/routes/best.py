"""The best trials of a campaign."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api.documents import BestDocument
from api.http.conditional_get import NOT_MODIFIED, IfTrialsModified
from api.http.dependencies import CampaignId, ServiceStore
from api.http.json_responses import json_response
from nas_controller.campaigns.finals_report import best_sentence, compared_trial
from nas_controller.campaigns.gains import gain_of
from nas_controller.campaigns.resource_shares import learned
from nas_controller.states import BASELINE_TRIAL
from nas_controller.store import NotFoundError, Store

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
    """The `k` best trials, each architecture once, and the uniform baseline. First comes the trial that the campaign's
    finals rank first, the confirmed winner if there is one; then those with the highest rewards.
    """

    return json_response(request, lambda: best_document(store, campaign_id, k))


def best_document(store: Store, campaign_id: str, k: int) -> dict[str, Any]:
    """The fields of BestDocument. Raises NotFoundError."""
    items = store.reads.best_trial_documents(campaign_id, k)
    campaign = store.reads.get_campaign(campaign_id)
    first = campaign.best_known_trial
    if first is not None:
        others = [item for item in items if item["number"] != first]
        items = [store.reads.get_trial_record(campaign_id, first).to_dict(), *others][:k]
    try:
        baseline = store.reads.get_trial_record(campaign_id, BASELINE_TRIAL).to_dict()
    except NotFoundError:
        baseline = None  # no trial has begun yet
    number = compared_trial(store, campaign)
    compared = None if number is None else store.reads.get_trial_record(campaign_id, number).to_dict()
    is_confirmed = campaign.confirmed_winner is not None
    sentence = best_sentence(store, campaign_id)
    gain = gain_of(store, campaign)
    return {
        "items": items,
        "baseline": baseline,
        "compared": compared,
        "is_confirmed": is_confirmed,
        "sentence": sentence,
        "gain": None if gain is None else gain.to_dict(),
        "learned": None if first is None else learned(store, campaign_id).sentence,
    }
