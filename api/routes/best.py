"""The best trials of a campaign."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.dependencies import CampaignId, StoreOfService
from api.documents import BestDocument, TrialDocument
from api.unchanged import UNCHANGED, UnlessUnchanged
from nas_controller.figures import BASELINE_TRIAL
from nas_controller.store import NotFoundError

router = APIRouter(prefix="/v1/campaigns/{campaign_id}", tags=["results"])


@router.get("/best", dependencies=[UnlessUnchanged], responses=UNCHANGED, summary="Read the best trials")
def best(
    campaign_id: CampaignId,
    store: StoreOfService,
    k: Annotated[int, Query(ge=1, le=1_000, description="How many.")] = 1,
) -> BestDocument:
    """The `k` trials with the highest rewards, each architecture once, beside the uniform baseline."""
    trials = store.best_trials(campaign_id, k)
    try:
        baseline = TrialDocument.model_validate(store.get_trial_record(campaign_id, BASELINE_TRIAL).to_dict())
    except NotFoundError:
        baseline = None  # the campaign has not begun yet
    return BestDocument(items=[TrialDocument.model_validate(trial.to_dict()) for trial in trials], baseline=baseline)
